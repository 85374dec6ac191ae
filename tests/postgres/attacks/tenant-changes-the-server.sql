-- Changes the server's settings.
-- as: tenant
-- refused: 42501 permission denied to set parameter

ALTER SYSTEM SET log_statement = 'none'
