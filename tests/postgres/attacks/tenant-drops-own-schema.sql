-- Drops its schema.
-- as: tenant
-- refused: 42501 must be owner of schema

DROP SCHEMA {tenant} CASCADE
