-- Reads a tenant's table.
-- as: operator
-- refused: 42501 permission denied for schema

SELECT * FROM {neighbour}.secrets
