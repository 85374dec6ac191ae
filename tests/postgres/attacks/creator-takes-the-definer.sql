-- The same grants itself the owner of the kernel.
-- as: creator
-- database: postgres
-- refused: 42501 permission denied to grant role

GRANT tenancy_definer TO CURRENT_USER
