-- Ends the operator's sessions.
-- as: tenant
-- refused: 42501 permission denied to terminate process

SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenancy_operator'
