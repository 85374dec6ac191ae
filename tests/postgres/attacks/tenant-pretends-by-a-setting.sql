-- Pretends to be a neighbour by the setting of the pooled role: it means nothing in a tenant's session.
-- as: tenant
-- yields: {tenant}

SELECT string_agg(id, ',') FROM tenancy.tenants WHERE set_config('app.tenant_id', '{neighbour}', false) IS NOT NULL
