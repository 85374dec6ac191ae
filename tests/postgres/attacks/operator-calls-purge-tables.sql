-- Drops retained data, which is an administrator's.
-- as: operator
-- refused: 42501 permission denied for function purge_tables

SELECT tenancy.purge_tables('{retained}', 10)
