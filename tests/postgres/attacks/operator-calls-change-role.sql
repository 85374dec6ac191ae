-- Calls tenancy.change_role, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function change_role

SELECT tenancy.change_role(0, 'open', '{stranger}', NULL, NULL, NULL)
