-- Calls tenancy.end_runs.
-- as: tenant
-- refused: 42501 permission denied for function end_runs

SELECT tenancy.end_runs()
