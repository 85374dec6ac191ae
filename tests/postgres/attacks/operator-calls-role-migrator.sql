-- Calls tenancy.role_migrator, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function role_migrator

SELECT tenancy.role_migrator('x')
