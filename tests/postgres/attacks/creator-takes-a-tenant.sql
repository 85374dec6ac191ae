-- Another administrator with CREATEROLE, who has no ADMIN on our roles, resets a tenant's password.
-- as: creator
-- database: postgres
-- refused: 42501 permission denied to alter role

ALTER ROLE {tenant} PASSWORD 'known'
