-- Becomes tenancy_admin.
-- as: operator
-- refused: 42501 permission denied to set role

SET ROLE tenancy_admin
