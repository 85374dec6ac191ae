-- Calls tenancy.make_probe, which is the kernel's own.
-- as: operator
-- refused: 42501 permission denied for function make_probe

SELECT tenancy.make_probe('probe_1', '{verifier}')
