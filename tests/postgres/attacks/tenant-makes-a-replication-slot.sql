-- Keeps the server's WAL for ever.
-- as: tenant
-- refused: 42501 permission denied to use replication slots

SELECT pg_create_physical_replication_slot('s')
