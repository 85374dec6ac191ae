-- Asks for all rows without row security: an error, no bypass.
-- as: tenant
-- refused: 42501 query would be affected by row-level security policy

SET row_security = off; SELECT * FROM tenancy.tenants
