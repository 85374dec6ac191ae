-- Reads the verifiers of all.
-- as: operator
-- refused: 42501 permission denied for table pg_authid

SELECT rolpassword FROM pg_authid
