-- The same makes itself a tenant.
-- as: creator
-- database: postgres
-- refused: 42501 permission denied to grant role

GRANT tenancy_tenant TO CURRENT_USER
