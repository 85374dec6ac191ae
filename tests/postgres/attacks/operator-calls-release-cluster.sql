-- Hands data over, which is an administrator's.
-- as: operator
-- refused: 42501 permission denied for function release_cluster

SELECT tenancy.release_cluster('cluster-1')
