-- Takes the lead.
-- as: app
-- refused: 42501 permission denied for function take_lead

SELECT tenancy.take_lead('me')
