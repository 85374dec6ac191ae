-- Marks a foreign role as ours.
-- as: operator
-- refused: 42501 permission denied

COMMENT ON ROLE {stranger} IS 'tenant-manager 00000000-0000-0000-0000-000000000000'
