-- Leaves the group of tenants.
-- as: tenant
-- refused: 42501 permission denied to revoke role

REVOKE tenancy_tenant FROM {tenant}
