-- Writes to tenancy.history past the functions.
-- as: operator
-- refused: 42501 permission denied for table history

DELETE FROM tenancy.history
