-- Reads a tenant's own table.
-- as: migrator
-- refused: 42501 permission denied for schema

SELECT * FROM {neighbour}.secrets
