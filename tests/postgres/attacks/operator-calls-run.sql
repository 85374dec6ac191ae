-- Calls tenancy.run, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function run

SELECT tenancy.run('{DROP SCHEMA {stranger}}')
