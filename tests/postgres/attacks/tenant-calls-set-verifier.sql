-- Calls tenancy.set_verifier.
-- as: tenant
-- refused: 42501 permission denied for function set_verifier

SELECT tenancy.set_verifier({epoch}, '{neighbour}', 'a', '{verifier}', 5)
