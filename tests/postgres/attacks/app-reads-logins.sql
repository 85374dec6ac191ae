-- Reads tenancy.logins, which the pooled role has no part in yet.
-- as: app
-- refused: 42501 permission denied for table logins

SELECT * FROM tenancy.logins
