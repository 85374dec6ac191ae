-- Makes itself a member of a tenant.
-- as: operator
-- refused: 42501 permission denied to grant role

GRANT {tenant} TO tenancy_operator
