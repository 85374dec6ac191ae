-- A member of tenancy_admin is no operator.
-- as: dba
-- refused: 42501 permission denied for function drop_tenant

SELECT tenancy.drop_tenant({epoch}, '{tenant}')
