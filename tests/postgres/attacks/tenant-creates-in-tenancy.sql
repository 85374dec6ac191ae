-- Plants a function in tenancy, where others look.
-- as: tenant
-- refused: 42501 permission denied for schema tenancy

CREATE FUNCTION tenancy.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''evil'''
