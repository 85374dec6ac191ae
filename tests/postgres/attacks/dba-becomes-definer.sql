-- Becomes the owner of the kernel.
-- as: dba
-- refused: 42501 permission denied to set role

SET ROLE tenancy_definer
