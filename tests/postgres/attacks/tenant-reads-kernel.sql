-- Reads tenancy.kernel.
-- as: tenant
-- refused: 42501 permission denied for table kernel

SELECT * FROM tenancy.kernel
