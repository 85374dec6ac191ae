-- Becomes a neighbour for the whole session.
-- as: tenant
-- refused: 42501 permission denied to set session authorization

SET SESSION AUTHORIZATION {neighbour}
