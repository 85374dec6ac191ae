-- Makes itself powerful.
-- as: operator
-- refused: 42501 permission denied to alter role

ALTER ROLE tenancy_operator CREATEROLE
