-- Becomes tenancy_executor_5.
-- as: operator
-- refused: 42501 permission denied to set role

SET ROLE tenancy_executor_5
