-- Calls tenancy.role, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function role

SELECT tenancy.role(0, 'open', '{stranger}')
