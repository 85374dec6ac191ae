-- Ends sessions of others.
-- as: operator
-- refused: 42501 permission denied to terminate process

SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'
