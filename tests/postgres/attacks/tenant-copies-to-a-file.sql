-- Writes a file of the server.
-- as: tenant
-- refused: 42501 permission denied to COPY to a file

COPY own TO '/tmp/evil'
