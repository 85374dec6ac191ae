-- Makes a schema.
-- as: operator
-- refused: 42501 permission denied for database

CREATE SCHEMA planted
