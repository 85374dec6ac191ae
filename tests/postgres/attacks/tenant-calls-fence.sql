-- Calls tenancy.fence.
-- as: tenant
-- refused: 42501 permission denied for function fence

SELECT tenancy.fence({epoch})
