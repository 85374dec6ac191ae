-- Becomes tenant.
-- as: operator
-- refused: 42501 permission denied to set role

SET ROLE {tenant}
