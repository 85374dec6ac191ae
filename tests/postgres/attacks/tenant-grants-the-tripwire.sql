-- Grants the group the tripwire's table, after which it would no longer hold: nothing is granted.
-- as: tenant
-- allowed

GRANT SELECT (x) ON tenancy.tripwire TO PUBLIC
