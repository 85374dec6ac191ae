-- Calls tenancy.attempt, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function attempt

SELECT tenancy.attempt(0, '{stranger}', 'drop', '{}')
