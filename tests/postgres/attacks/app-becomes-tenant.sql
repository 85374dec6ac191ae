-- Becomes a tenant.
-- as: app
-- refused: 42501 permission denied to set role

SET ROLE {tenant}
