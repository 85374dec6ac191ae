-- Calls tenancy.drop_tenant.
-- as: tenant
-- refused: 42501 permission denied for function drop_tenant

SELECT tenancy.drop_tenant({epoch}, '{neighbour}')
