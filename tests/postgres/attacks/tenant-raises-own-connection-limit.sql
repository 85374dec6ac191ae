-- Lifts its own connection limit.
-- as: tenant
-- refused: 42501 permission denied to alter role

ALTER ROLE CURRENT_USER CONNECTION LIMIT -1
