-- Makes a schema of its own.
-- as: tenant
-- refused: 42501 permission denied for database

CREATE SCHEMA mine
