-- Sets temp_file_limit for its own logins, which is a superuser's.
-- as: tenant
-- refused: 42501 permission denied to set parameter "temp_file_limit"

ALTER ROLE CURRENT_USER SET temp_file_limit = -1
