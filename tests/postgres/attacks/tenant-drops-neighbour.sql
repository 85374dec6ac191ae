-- Drops a neighbour's role.
-- as: tenant
-- refused: 42501 permission denied to drop role

DROP ROLE {neighbour}
