-- Registers a role that is there already.
-- as: operator
-- refused: TM003 exists and is not ours

SELECT tenancy.create_tenant({epoch}, '{stranger}', 'c', 'n', 'u', 'x', '{verifier}', 5, '{}', true, '{catalog}', 1)
