-- Writes to tenancy.tenants past the functions.
-- as: operator
-- refused: 42501 permission denied for table tenants

UPDATE tenancy.tenants SET plan_id = 'x'
