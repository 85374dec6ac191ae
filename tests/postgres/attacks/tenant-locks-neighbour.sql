-- Locks a neighbour's table.
-- as: tenant
-- refused: 42501 permission denied for schema {neighbour}

BEGIN; LOCK TABLE {neighbour}.secrets
