-- Plants code in the kernel's schema.
-- as: operator
-- refused: 42501 permission denied for schema tenancy

CREATE FUNCTION tenancy.valid(p varchar) RETURNS void LANGUAGE sql AS ''
