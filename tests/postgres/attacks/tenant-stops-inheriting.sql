-- Leaves the group in all but name.
-- as: tenant
-- refused: 42501 permission denied to alter role

ALTER ROLE CURRENT_USER NOINHERIT
