-- Runs a program on the server.
-- as: operator
-- refused: 42501 permission denied to COPY to or from an external program

COPY (SELECT 1) TO PROGRAM 'id'
