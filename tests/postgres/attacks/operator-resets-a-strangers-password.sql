-- Aims at a role that is not ours.
-- as: operator
-- refused: TM004 no active tenant

SELECT tenancy.set_verifier({epoch}, '{stranger}', 'a', '{verifier}', 5)
