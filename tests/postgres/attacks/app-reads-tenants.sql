-- Reads tenancy.tenants, which the pooled role has no part in yet.
-- as: app
-- refused: 42501 permission denied for table tenants

SELECT * FROM tenancy.tenants
