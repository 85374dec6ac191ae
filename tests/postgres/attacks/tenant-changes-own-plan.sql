-- Gives itself another plan.
-- as: tenant
-- refused: 42501 permission denied for table tenants

UPDATE tenancy.tenants SET plan_id = 'gold'
