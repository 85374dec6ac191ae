-- Removes policies that name the pooled role: the tripwire.
-- as: app
-- refused: 42501 permission denied for table tripwire

DROP OWNED BY tenancy_app
