-- Publishes all tables.
-- as: tenant
-- refused: 42501

CREATE PUBLICATION everything FOR ALL TABLES
