-- Opens its schema to everybody: GRANT says that it granted nothing, and the server's state shows that.
-- as: tenant
-- allowed

GRANT USAGE ON SCHEMA {tenant} TO PUBLIC
