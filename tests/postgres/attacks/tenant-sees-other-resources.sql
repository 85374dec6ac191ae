-- Looks for the limits of others.
-- as: tenant
-- yields: 0

SELECT count(*) FROM tenancy.tenant_resources WHERE tenant_id <> current_user
