-- Reads a tenant's table.
-- as: app
-- refused: 42501 permission denied for schema

SELECT * FROM {neighbour}.secrets
