-- Sets a neighbour's password.
-- as: tenant
-- refused: 42501 permission denied to alter role

ALTER ROLE {neighbour} PASSWORD 'known'
