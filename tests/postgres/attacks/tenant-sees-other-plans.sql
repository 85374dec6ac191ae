-- Looks for other plans in the catalog.
-- as: tenant
-- yields: gold

SELECT string_agg(id, ',') FROM tenancy.plans
