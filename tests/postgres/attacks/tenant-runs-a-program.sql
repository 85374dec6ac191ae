-- Runs a program on the server.
-- as: tenant
-- refused: 42501 permission denied to COPY to or from an external program

COPY own TO PROGRAM 'id'
