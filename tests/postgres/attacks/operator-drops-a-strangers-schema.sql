-- Aims at a schema that is not ours.
-- as: operator
-- refused: TM004 no active tenant

SELECT tenancy.drop_tenant({epoch}, '{stranger}')
