-- Reads a neighbour's table.
-- as: tenant
-- refused: 42501 permission denied for schema {neighbour}

SELECT * FROM {neighbour}.secrets
