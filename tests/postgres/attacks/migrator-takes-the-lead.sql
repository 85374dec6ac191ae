-- Takes the lead.
-- as: migrator
-- refused: 42501 permission denied for function take_lead

SELECT tenancy.take_lead('me')
