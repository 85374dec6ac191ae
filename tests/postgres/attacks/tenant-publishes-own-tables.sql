-- Publishes tables of its own, for which it would need CREATE on the database.
-- as: tenant
-- refused: 42501 permission denied for database

CREATE PUBLICATION mine FOR TABLE own
