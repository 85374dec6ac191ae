-- Calls tenancy.release.
-- as: tenant
-- refused: 42501 permission denied for function release

SELECT tenancy.release('{retained}', 'a', 'b')
