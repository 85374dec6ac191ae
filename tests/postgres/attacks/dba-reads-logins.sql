-- Reads what is kept of verifiers.
-- as: dba
-- refused: 42501 permission denied for table logins

SELECT * FROM tenancy.logins
