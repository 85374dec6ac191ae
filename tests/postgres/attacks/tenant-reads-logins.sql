-- Reads tenancy.logins.
-- as: tenant
-- refused: 42501 permission denied for table logins

SELECT * FROM tenancy.logins
