-- Reads tenancy.plans, which the pooled role has no part in yet.
-- as: app
-- refused: 42501 permission denied for table plans

SELECT * FROM tenancy.plans
