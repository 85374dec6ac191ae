-- 002 Schema extensions, second in every tenant's search_path: USAGE for tenants, CREATE for nobody but its owner.
-- A schema in which a tenant may create functions must never be in anyone's search_path.

CREATE SCHEMA IF NOT EXISTS extensions;

DO $$
DECLARE
    creator text;
    wanted text;
    place text;
BEGIN
    BEGIN
        GRANT USAGE ON SCHEMA extensions TO tenancy_tenant, tenancy_app, tenancy_migrator, tenancy_owner;
        FOR creator IN SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
                         FROM pg_namespace, aclexplode(nspacl)
                        WHERE nspname = 'extensions' AND privilege_type = 'CREATE' AND grantee <> nspowner LOOP
            EXECUTE 'REVOKE CREATE ON SCHEMA extensions FROM ' || creator || ' CASCADE';
        END LOOP;
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;  -- or it only warned: what counts is what holds now, and bootstrap asks for CREATE at its end
    END;
    IF NOT has_schema_privilege('tenancy_tenant', 'extensions', 'USAGE') THEN
        RAISE 'Schema extensions belongs to %. Its owner must run: GRANT USAGE ON SCHEMA extensions TO tenancy_tenant, '
            'tenancy_app, tenancy_migrator, tenancy_owner', (SELECT pg_get_userbyid(nspowner) FROM pg_namespace
             WHERE nspname = 'extensions') USING ERRCODE = 'TM020';
    END IF;
    FOREACH wanted IN ARRAY current_setting('tenancy.extensions')::text[] LOOP
        IF NOT EXISTS (SELECT FROM pg_available_extensions AS available WHERE available.name = wanted) THEN
            RAISE 'Extension % is not available on this server: install its package there, or leave it out.', wanted
                USING ERRCODE = 'TM020';
        END IF;
        BEGIN
            EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA extensions', wanted);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE 'Extension % can only be installed by a superuser, who must run: CREATE EXTENSION % SCHEMA '
                'extensions; then bootstrap again.', wanted, quote_ident(wanted) USING ERRCODE = 'TM020';
        END;
        SELECT nspname INTO place FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = wanted;
        IF place NOT IN ('extensions', 'pg_catalog') THEN
            RAISE 'Extension % is installed in schema %, where no tenant looks. Run: ALTER EXTENSION % SET SCHEMA '
                'extensions', wanted, place, quote_ident(wanted) USING ERRCODE = 'TM020';
        END IF;
    END LOOP;
END $$;
