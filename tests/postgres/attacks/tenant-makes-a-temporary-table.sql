-- Makes a temporary table, and with it a schema that comes first.
-- as: tenant
-- refused: 42501 permission denied to create temporary tables

CREATE TEMP TABLE t (a int)
