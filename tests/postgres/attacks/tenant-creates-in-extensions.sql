-- Plants a function in extensions, where others look.
-- as: tenant
-- refused: 42501 permission denied for schema extensions

CREATE FUNCTION extensions.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''evil'''
