-- Writes to the registry past the functions.
-- as: dba
-- refused: 42501 permission denied for table registry

UPDATE tenancy.registry SET namespace = 'x'
