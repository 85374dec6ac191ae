-- Sets log_statement for its own logins, which is a superuser's.
-- as: tenant
-- refused: 42501 permission denied to set parameter "log_statement"

ALTER ROLE CURRENT_USER SET log_statement = 'none'
