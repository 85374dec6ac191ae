-- Holds the fence, so that no operator takes the lead.
-- as: tenant
-- refused: 42501 permission denied for table leader

BEGIN; LOCK TABLE tenancy.leader IN ACCESS SHARE MODE
