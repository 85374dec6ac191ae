-- Becomes tenancy_migrator.
-- as: operator
-- refused: 42501 permission denied to set role

SET ROLE tenancy_migrator
