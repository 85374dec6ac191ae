-- Holds rows of the registry.
-- as: operator
-- refused: 42501 permission denied for table registry

SELECT * FROM tenancy.registry FOR UPDATE
