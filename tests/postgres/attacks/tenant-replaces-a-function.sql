-- Puts its own code in the place of the kernel's.
-- as: tenant
-- refused: 42501 permission denied for schema tenancy

CREATE OR REPLACE FUNCTION tenancy.fence(p_epoch bigint) RETURNS void LANGUAGE sql AS ''
