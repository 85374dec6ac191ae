-- Reads tenancy.registry, which the pooled role has no part in yet.
-- as: app
-- refused: 42501 permission denied for table registry

SELECT * FROM tenancy.registry
