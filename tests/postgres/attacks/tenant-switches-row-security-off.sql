-- Switches row security off.
-- as: tenant
-- refused: 42501 must be owner of table tenants

ALTER TABLE tenancy.tenants DISABLE ROW LEVEL SECURITY
