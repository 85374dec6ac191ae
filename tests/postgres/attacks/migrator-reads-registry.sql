-- Reads the registry.
-- as: migrator
-- refused: 42501 permission denied for table registry

SELECT * FROM tenancy.registry
