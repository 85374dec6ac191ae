-- Writes to tenancy.kernel past the functions.
-- as: operator
-- refused: 42501 permission denied for table kernel

UPDATE tenancy.kernel SET version = 99
