-- Runs code in the operator's writes.
-- as: tenant
-- refused: 42501 permission denied for table tenants

CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER evil BEFORE UPDATE ON tenancy.tenants FOR EACH ROW EXECUTE FUNCTION evil()
