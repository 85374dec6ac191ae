-- Passes a role off as a leftover.
-- as: operator
-- refused: TM004 there is no leftover

SELECT tenancy.drop_leftover({epoch}, '{stranger}')
