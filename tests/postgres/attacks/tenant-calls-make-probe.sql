-- Calls tenancy.make_probe.
-- as: tenant
-- refused: 42501 permission denied for function make_probe

SELECT tenancy.make_probe('probe_1', '{verifier}')
