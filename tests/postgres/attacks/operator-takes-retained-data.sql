-- Gives retained data to another owner.
-- as: operator
-- refused: TM012 belongs to another owner

SELECT tenancy.restore({epoch}, '{retained}', 'c', 'n', 'u', 'x')
