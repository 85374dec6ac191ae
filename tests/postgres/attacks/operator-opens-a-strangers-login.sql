-- Aims at a role that is not ours.
-- as: operator
-- refused: TM004 no active tenant

SELECT tenancy.open_login({epoch}, '{stranger}')
