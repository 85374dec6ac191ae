-- Sets a default for everybody in the database.
-- as: tenant
-- refused: 42501 must be owner of database

ALTER DATABASE tenants SET search_path = {tenant}
