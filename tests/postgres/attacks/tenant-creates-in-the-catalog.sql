-- Plants a function in pg_catalog.
-- as: tenant
-- refused: 42501 permission denied

CREATE FUNCTION pg_catalog.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''evil'''
