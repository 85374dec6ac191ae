-- Puts somebody into the group of tenants.
-- as: tenant
-- refused: 42501 permission denied to grant role

GRANT tenancy_tenant TO {stranger}
