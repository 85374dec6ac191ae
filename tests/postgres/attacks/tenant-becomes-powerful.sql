-- Makes itself powerful.
-- as: tenant
-- refused: 42501 permission denied to alter role

ALTER ROLE CURRENT_USER CREATEROLE
