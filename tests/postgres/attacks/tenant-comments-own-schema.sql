-- Changes the mark by which the kernel knows its schema.
-- as: tenant
-- refused: 42501 must be owner of schema

COMMENT ON SCHEMA {tenant} IS 'mine'
