-- Makes a large object, which no limit counts.
-- as: tenant
-- only: superuser
-- refused: 42501 permission denied for function lo_create

SELECT lo_create(0)
