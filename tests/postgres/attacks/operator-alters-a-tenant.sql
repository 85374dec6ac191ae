-- Alters a tenant's role directly.
-- as: operator
-- refused: 42501 permission denied to alter role

ALTER ROLE {tenant} SUPERUSER
