-- Sets a neighbour's search_path to its own schema.
-- as: tenant
-- refused: 42501 permission denied to alter role

ALTER ROLE {neighbour} SET search_path = {tenant}
