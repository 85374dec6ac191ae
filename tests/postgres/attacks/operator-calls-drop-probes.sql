-- Calls tenancy.drop_probes, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function drop_probes

SELECT tenancy.drop_probes('{tenant}')
