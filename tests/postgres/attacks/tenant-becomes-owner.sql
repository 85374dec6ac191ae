-- Becomes tenancy_owner: its group was granted WITH SET FALSE, and it is a member of nothing else.
-- as: tenant
-- refused: 42501 permission denied to set role

SET ROLE tenancy_owner
