-- Calls tenancy.take_lead.
-- as: tenant
-- refused: 42501 permission denied for function take_lead

SELECT tenancy.take_lead('me')
