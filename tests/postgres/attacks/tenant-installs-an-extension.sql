-- Installs an extension.
-- as: tenant
-- not: 17
-- refused: 42501 permission denied to create extension

CREATE EXTENSION vector
