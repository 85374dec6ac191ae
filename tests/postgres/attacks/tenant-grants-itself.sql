-- Lets a neighbour in.
-- as: tenant
-- refused: 42501 permission denied to grant role

GRANT {tenant} TO {neighbour}
