-- Removes the policies that name the operator.
-- as: tenant
-- refused: 42501 permission denied to drop objects

DROP OWNED BY tenancy_operator
