-- Reads tenancy.registry.
-- as: tenant
-- refused: 42501 permission denied for table registry

SELECT * FROM tenancy.registry
