-- Removes policies that name the administrators: the tripwire.
-- as: dba
-- refused: 42501 permission denied for table tripwire

DROP OWNED BY tenancy_admin
