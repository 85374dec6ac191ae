-- Calls tenancy.locked, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function locked

SELECT tenancy.locked('{tenant}', 'active')
