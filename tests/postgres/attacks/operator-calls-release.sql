-- Hands data over, which is an administrator's.
-- as: operator
-- refused: 42501 permission denied for function release

SELECT tenancy.release('{retained}', 'a', 'b')
