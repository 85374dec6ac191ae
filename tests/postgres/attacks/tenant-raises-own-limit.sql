-- Raises its own limit.
-- as: tenant
-- refused: 42501 permission denied for table tenant_resources

UPDATE tenancy.tenant_resources SET limit_value = 1000
