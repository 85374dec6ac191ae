-- Reads a file of the server.
-- as: operator
-- refused: 42501 permission denied for function pg_read_file

SELECT pg_read_file('/etc/passwd')
