-- Writes to tenancy.leftovers past the functions.
-- as: operator
-- refused: 42501 permission denied for table leftovers

INSERT INTO tenancy.leftovers (role, identifier, executor, claim, reason) VALUES ('{stranger}', 'x', 0, gen_random_uuid(), '')
