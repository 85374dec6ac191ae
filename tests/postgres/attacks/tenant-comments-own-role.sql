-- Changes the mark by which the kernel knows its role.
-- as: tenant
-- refused: 42501 permission denied

COMMENT ON ROLE {tenant} IS 'tenant-manager 00000000-0000-0000-0000-000000000000'
