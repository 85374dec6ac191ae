-- Calls tenancy.remember, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function remember

SELECT tenancy.remember('{stranger}', '{tenant}', 'a', '{verifier}')
