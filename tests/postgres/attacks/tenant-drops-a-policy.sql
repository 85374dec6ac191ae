-- Drops a policy.
-- as: tenant
-- refused: 42501 must be owner of

DROP POLICY login ON tenancy.tenants
