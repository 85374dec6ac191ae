-- Hands data over, which is an administrator's.
-- as: operator
-- refused: 42501 permission denied for function rebind

SELECT tenancy.rebind('cluster-1')
