-- Marks a foreign schema as ours.
-- as: operator
-- refused: 42501 must be owner of schema

COMMENT ON SCHEMA {stranger} IS 'tenant-manager 00000000-0000-0000-0000-000000000000'
