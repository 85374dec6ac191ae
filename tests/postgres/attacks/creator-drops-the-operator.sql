-- The same drops the operator's login.
-- as: creator
-- database: postgres
-- refused: 42501 permission denied to drop role

DROP ROLE tenancy_operator
