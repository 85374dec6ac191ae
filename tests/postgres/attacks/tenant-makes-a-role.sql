-- Makes a role.
-- as: tenant
-- refused: 42501 permission denied to create role

CREATE ROLE {tenant}_2 LOGIN
