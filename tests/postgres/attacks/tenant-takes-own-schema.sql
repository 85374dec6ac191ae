-- Makes itself the owner of its schema.
-- as: tenant
-- refused: 42501 must be owner of schema

ALTER SCHEMA {tenant} OWNER TO {tenant}
