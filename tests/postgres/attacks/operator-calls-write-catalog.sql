-- Calls tenancy.write_catalog, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function write_catalog

SELECT tenancy.write_catalog('{tenant}', '{}')
