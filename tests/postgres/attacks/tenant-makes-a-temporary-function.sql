-- Plants a function in the temporary schema.
-- as: tenant
-- refused: 42501 permission denied to create temporary tables

CREATE FUNCTION pg_temp.evil() RETURNS int LANGUAGE sql AS 'SELECT 1'
