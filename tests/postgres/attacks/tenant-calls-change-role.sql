-- Calls tenancy.change_role.
-- as: tenant
-- refused: 42501 permission denied for function change_role

SELECT tenancy.change_role(0, 'open', '{neighbour}', NULL, NULL, NULL)
