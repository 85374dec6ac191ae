-- Removes the row-security policies of all tenants: the tripwire makes the statement fail.
-- as: tenant
-- refused: 42501 permission denied for table tripwire

DROP OWNED BY tenancy_tenant
