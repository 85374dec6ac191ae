-- Calls tenancy.purge.
-- as: tenant
-- refused: 42501 permission denied for function purge

SELECT tenancy.purge('{retained}')
