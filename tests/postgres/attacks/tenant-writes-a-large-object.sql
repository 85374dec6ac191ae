-- Makes a large object with content.
-- as: tenant
-- only: superuser
-- refused: 42501 permission denied for function lo_from_bytea

SELECT lo_from_bytea(0, 'x')
