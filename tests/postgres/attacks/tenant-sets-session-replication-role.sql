-- Sets session_replication_role for its own logins, which is a superuser's.
-- as: tenant
-- refused: 42501 permission denied to set parameter "session_replication_role"

ALTER ROLE CURRENT_USER SET session_replication_role = replica
