-- Writes to tenancy.logins past the functions.
-- as: operator
-- refused: 42501 permission denied for table logins

UPDATE tenancy.logins SET name = '{stranger}'
