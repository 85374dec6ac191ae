-- Reads a file of the server into a table.
-- as: tenant
-- refused: 42501 permission denied to COPY from a file

CREATE TABLE lines (l text); COPY lines FROM '/etc/passwd'
