-- Calls tenancy.drop_all, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function drop_all

SELECT tenancy.drop_all((SELECT r FROM tenancy.registry r LIMIT 1))
