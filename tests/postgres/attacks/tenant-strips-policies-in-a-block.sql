-- The same in a block that swallows errors: nothing of it stands.
-- as: tenant
-- allowed

DO $$ BEGIN
    EXECUTE 'DROP OWNED BY tenancy_tenant CASCADE';
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$
