-- Reads the verifiers of all.
-- as: tenant
-- refused: 42501 permission denied for table pg_authid

SELECT * FROM pg_authid
