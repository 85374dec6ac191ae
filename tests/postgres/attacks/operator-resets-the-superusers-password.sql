-- Aims at the superuser.
-- as: operator
-- refused: TM002 is not allowed

SELECT tenancy.set_verifier({epoch}, 'postgres', 'a', '{verifier}', 5)
