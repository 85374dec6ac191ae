-- Drops the tripwire first.
-- as: tenant
-- refused: 42501 must be owner of table tripwire

DROP TABLE tenancy.tripwire
