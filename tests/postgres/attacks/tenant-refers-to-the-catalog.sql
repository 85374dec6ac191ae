-- Blocks deletions by a foreign key on the catalog.
-- as: tenant
-- refused: 42501 permission denied for table plans

CREATE TABLE mine (id text REFERENCES tenancy.plans)
