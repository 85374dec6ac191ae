-- Writes to tenancy.leader past the functions.
-- as: operator
-- refused: 42501 permission denied for table leader

UPDATE tenancy.leader SET epoch = 1
