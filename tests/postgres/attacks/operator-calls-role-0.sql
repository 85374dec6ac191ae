-- Calls tenancy.role_0, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function role_0

SELECT tenancy.role_0('open', '{stranger}', NULL, NULL, NULL)
