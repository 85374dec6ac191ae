-- Renames its schema, which belongs to the kernel.
-- as: tenant
-- refused: 42501 must be owner of schema

ALTER SCHEMA {tenant} RENAME TO mine
