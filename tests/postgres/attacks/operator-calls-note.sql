-- Calls tenancy.note, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function note

SELECT tenancy.note('{tenant}', 1, 'x', '{}', '{}')
