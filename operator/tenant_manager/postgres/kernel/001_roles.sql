-- 001 The roles, what they may do in this database, and the schemas tenancy and extensions.
--
-- tenancy_operator       what the operator logs in as: calls functions, reads tables, is a member of nothing
-- tenancy_definer        owns schema tenancy, its functions, and the schema of every tenant
-- tenancy_executor_0..63 each makes and changes the roles of its share of the tenants. From 16 on a creator keeps
--                        ADMIN on all that it made and slows down with their number, hence 64
-- tenancy_owner          owns tables that Tenant Manager itself makes for tenants; no policy names it
-- tenancy_migrator       runs the SQL for such tables on a connection of its own
-- tenancy_tenant         group of all tenants: CONNECT comes through it
-- tenancy_app            the trusted pooled application
-- tenancy_admin          granted to the people who release and purge what was retained

SET LOCAL createrole_self_grant = '';  -- a creator gets ADMIN and nothing more, whatever the server's default

DO $$
DECLARE
    wanted record;
    found pg_roles;
BEGIN
    FOR wanted IN
        SELECT name, login, creates FROM (VALUES
            ('tenancy_operator', true, false), ('tenancy_definer', false, false), ('tenancy_owner', false, false),
            ('tenancy_tenant', false, false), ('tenancy_app', true, false), ('tenancy_admin', false, false)
        ) AS roles (name, login, creates)
        UNION ALL SELECT 'tenancy_executor_' || n, false, true FROM generate_series(0, 63) AS n
    LOOP
        SELECT * INTO found FROM pg_roles WHERE rolname = wanted.name;
        IF found.rolname IS NULL THEN
            EXECUTE format('CREATE ROLE %I %s %s', wanted.name, CASE WHEN wanted.login THEN 'LOGIN' ELSE 'NOLOGIN' END,
                           CASE WHEN wanted.creates THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END);
        ELSIF found.rolsuper OR found.rolcreatedb OR found.rolreplication OR found.rolbypassrls THEN
            RAISE 'Role % has rights that it must not have. Run: ALTER ROLE % NOSUPERUSER NOCREATEDB NOREPLICATION '
                'NOBYPASSRLS', wanted.name, wanted.name USING ERRCODE = 'TM020';
        ELSIF (found.rolcanlogin, found.rolcreaterole, found.rolinherit) <> (wanted.login, wanted.creates, true) THEN
            EXECUTE format('ALTER ROLE %I INHERIT %s %s', wanted.name,
                           CASE WHEN wanted.login THEN 'LOGIN' ELSE 'NOLOGIN' END,
                           CASE WHEN wanted.creates THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END);
        END IF;
    END LOOP;
END $$;

-- The administrator may become the owners, by SET ROLE, to make their objects. It does not inherit from them: else it
-- would make objects in tenants' schemas by accident.
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT rolname FROM pg_roles
              WHERE (rolname ~ '^tenancy_executor_[0-9]+$' OR rolname = 'tenancy_definer')
                AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) LOOP
        IF NOT pg_has_role(r.rolname, 'SET') OR pg_has_role(r.rolname, 'USAGE') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', r.rolname);
        END IF;
    END LOOP;
END $$;

-- Executor 0 makes the migrator, so that it may give it a verifier for each run.
SET LOCAL ROLE tenancy_executor_0;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenancy_migrator') THEN
        CREATE ROLE tenancy_migrator LOGIN CONNECTION LIMIT 1;
    ELSIF NOT pg_has_role('tenancy_migrator', 'MEMBER WITH ADMIN OPTION') THEN
        RAISE 'tenancy_executor_0 has no ADMIN OPTION on tenancy_migrator. A superuser must run: '
            'GRANT tenancy_migrator TO tenancy_executor_0 WITH ADMIN OPTION' USING ERRCODE = 'TM020';
    END IF;
    IF NOT pg_has_role('tenancy_definer', 'tenancy_migrator', 'USAGE') THEN
        GRANT tenancy_migrator TO tenancy_definer WITH INHERIT TRUE, SET TRUE;
    END IF;
END $$;
RESET ROLE;

DO $$
DECLARE
    n int;
BEGIN
    IF NOT pg_has_role('tenancy_definer', 'tenancy_owner', 'USAGE') THEN
        GRANT tenancy_owner TO tenancy_definer WITH INHERIT TRUE, SET TRUE;
    END IF;
    IF NOT pg_has_role('tenancy_migrator', 'tenancy_owner', 'USAGE') THEN
        GRANT tenancy_owner TO tenancy_migrator WITH INHERIT TRUE, SET FALSE;
    END IF;
    FOR n IN 0..63 LOOP  -- ADMIN lets an executor put a tenant into the group; it is no member itself
        IF NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = 'tenancy_tenant'::regrole AND admin_option
                          AND member = format('tenancy_executor_%s', n)::regrole) THEN
            EXECUTE format('GRANT tenancy_tenant TO tenancy_executor_%s WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', n);
        END IF;
    END LOOP;
END $$;

-- Who may enter this database, and what it finds there. TEMP goes with it: nobody of ours makes temporary objects.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %1$I FROM PUBLIC, tenancy_tenant, tenancy_app, tenancy_operator,
                    tenancy_migrator, tenancy_admin, tenancy_owner;
                    GRANT CONNECT ON DATABASE %1$I TO tenancy_tenant, tenancy_app, tenancy_operator, tenancy_migrator,
                    tenancy_admin;
                    GRANT CREATE ON DATABASE %1$I TO tenancy_definer', current_database());
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') THEN
        REVOKE ALL ON SCHEMA public FROM PUBLIC, tenancy_tenant, tenancy_app, tenancy_migrator, tenancy_owner;
    END IF;
END $$;

-- 5 s idle in a transaction end a sleeping leader's transaction, so that another can take the lead.
ALTER ROLE tenancy_operator SET lock_timeout = '2s';
ALTER ROLE tenancy_operator SET statement_timeout = '60s';
ALTER ROLE tenancy_operator SET idle_in_transaction_session_timeout = '5s';
ALTER ROLE tenancy_operator SET search_path = pg_catalog;
-- To plan the query about one tenant takes ten times as long as to run it, so each connection plans it once.
ALTER ROLE tenancy_operator SET plan_cache_mode = force_generic_plan;
ALTER ROLE tenancy_operator SET jit = off;

CREATE SCHEMA IF NOT EXISTS tenancy AUTHORIZATION tenancy_definer;
