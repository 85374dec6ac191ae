-- Makes a role.
-- as: operator
-- refused: 42501 permission denied to create role

CREATE ROLE planted
