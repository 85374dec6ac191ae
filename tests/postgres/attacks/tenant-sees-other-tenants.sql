-- Looks for other tenants in the catalog.
-- as: tenant
-- yields: 1

SELECT count(*) FROM tenancy.tenants
