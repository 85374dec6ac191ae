-- Sets session_preload_libraries for its own logins, which is a superuser's.
-- as: tenant
-- refused: 42501 permission denied to set parameter "session_preload_libraries"

ALTER ROLE CURRENT_USER SET session_preload_libraries = 'evil'
