-- Reads tenancy.leader.
-- as: tenant
-- refused: 42501 permission denied for table leader

SELECT * FROM tenancy.leader
