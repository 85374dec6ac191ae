-- Drops retained data as if it were active.
-- as: operator
-- refused: TM004 no active tenant

SELECT tenancy.drop_tenant({epoch}, '{retained}')
