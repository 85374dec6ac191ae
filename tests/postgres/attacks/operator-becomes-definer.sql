-- Becomes tenancy_definer.
-- as: operator
-- refused: 42501 permission denied to set role

SET ROLE tenancy_definer
