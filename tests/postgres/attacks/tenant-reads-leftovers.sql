-- Reads tenancy.leftovers.
-- as: tenant
-- refused: 42501 permission denied for table leftovers

SELECT * FROM tenancy.leftovers
