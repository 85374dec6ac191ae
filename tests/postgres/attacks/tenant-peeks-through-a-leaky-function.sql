-- Looks at rows before row security takes them away.
-- as: tenant
-- yields: 1

SELECT count(*) FROM tenancy.tenants WHERE own_leak(id)
