-- Calls tenancy.run.
-- as: tenant
-- refused: 42501 permission denied for function run

SELECT tenancy.run('{SELECT 1}')
