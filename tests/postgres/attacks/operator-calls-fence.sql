-- Calls tenancy.fence, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function fence

SELECT tenancy.fence({epoch})
