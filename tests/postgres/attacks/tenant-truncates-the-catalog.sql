-- Empties a table of the catalog.
-- as: tenant
-- refused: 42501 permission denied for table tenants

TRUNCATE tenancy.tenants CASCADE
