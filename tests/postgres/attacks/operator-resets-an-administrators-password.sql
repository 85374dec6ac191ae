-- Aims at a role of the kernel.
-- as: operator
-- refused: TM002 is not allowed

SELECT tenancy.set_verifier({epoch}, 'tenancy_admin', 'a', '{verifier}', 5)
