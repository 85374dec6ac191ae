-- Reads tenancy.history.
-- as: tenant
-- refused: 42501 permission denied for table history

SELECT * FROM tenancy.history
