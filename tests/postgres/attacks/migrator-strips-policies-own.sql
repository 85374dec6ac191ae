-- Removes policies, or the tables of all places: the tripwire.
-- as: migrator
-- refused: 42501 permission denied for table tripwire

DROP OWNED BY tenancy_migrator
