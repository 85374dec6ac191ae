-- Drops all that a neighbour owns.
-- as: tenant
-- refused: 42501 permission denied to drop objects

DROP OWNED BY {neighbour}
