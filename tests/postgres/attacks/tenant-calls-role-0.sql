-- Calls tenancy.role_0.
-- as: tenant
-- refused: 42501 permission denied for function role_0

SELECT tenancy.role_0('open', '{neighbour}', NULL, NULL, NULL)
