-- Plants a function in public, where others look.
-- as: tenant
-- refused: 42501 permission denied for schema public

CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''evil'''
