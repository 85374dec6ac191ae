-- Makes itself an administrator.
-- as: operator
-- refused: 42501 permission denied to grant role

GRANT tenancy_admin TO tenancy_operator
