-- Calls tenancy.create_tenant.
-- as: tenant
-- refused: 42501 permission denied for function create_tenant

SELECT tenancy.create_tenant({epoch}, 'x', 'c', 'n', 'u', 'x', '{verifier}', 5, '{}', true, '{}', 1)
