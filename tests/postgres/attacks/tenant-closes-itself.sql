-- Closes its own login.
-- as: tenant
-- refused: 42501 permission denied to alter role

ALTER ROLE CURRENT_USER NOLOGIN
