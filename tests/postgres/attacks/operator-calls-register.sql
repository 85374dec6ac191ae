-- Calls tenancy.register, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function register

SELECT tenancy.register('x', 'c', 'n', 'u', 'x')
