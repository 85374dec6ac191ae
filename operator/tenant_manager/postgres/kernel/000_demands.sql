-- 000 What the server and the login must offer. Nothing is changed here; TM020 carries a sentence for the person who
-- runs this. Everything from here to 910 is one transaction: either all of it stands or nothing.
--
-- All files can run again over what an older version made. So tables are made IF NOT EXISTS, and change by statements
-- that ask first; functions are replaced, and one whose arguments or answer change is dropped in its file before that.

RESET ROLE;  -- what follows is judged and done as the login itself

DO $$
DECLARE
    me pg_roles;
    wants text[] := '{}';
BEGIN
    IF current_setting('server_version_num')::int < 160000 THEN
        RAISE 'PostgreSQL % is too old: 16 or newer is needed, because before 16 CREATEROLE is nearly a superuser.',
            current_setting('server_version') USING ERRCODE = 'TM020';
    END IF;
    IF pg_is_in_recovery() THEN
        RAISE 'This server is a read-only standby: use the address of the primary.' USING ERRCODE = 'TM020';
    END IF;
    SELECT * INTO me FROM pg_roles WHERE rolname = current_user;
    IF me.rolname ~ '^tenancy_' THEN
        RAISE 'This is an administrator''s work, and % is a login of Tenant Manager itself: use the owner of the '
            'database, with CREATEROLE, or a superuser.', me.rolname USING ERRCODE = 'TM020';
    END IF;
    IF NOT me.rolsuper AND NOT me.rolcreaterole THEN
        wants := wants || format('ALTER ROLE %I CREATEROLE;', me.rolname);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND pg_has_role(datdba, 'USAGE')) THEN
        wants := wants || format('ALTER DATABASE %I OWNER TO %I;', current_database(), me.rolname);
    END IF;
    IF wants <> '{}' THEN
        RAISE 'The login % may not prepare this database. A superuser must run: %', me.rolname,
            array_to_string(wants, ' ') USING ERRCODE = 'TM020';
    END IF;
END $$;

-- Roles belong to the server: two databases with one set of tenancy_* roles would drop each other's logins.
DO $$
DECLARE
    holder text;
    elsewhere text;
BEGIN
    SELECT d.datname INTO holder FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
     WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND d.datname <> current_database()
       AND s.refobjid = (SELECT oid FROM pg_roles WHERE rolname = 'tenancy_definer') LIMIT 1;
    SELECT pg_get_userbyid(nspowner) INTO elsewhere FROM pg_namespace WHERE nspname = 'tenancy';
    IF elsewhere IS NULL AND holder IS NOT NULL THEN
        RAISE 'Tenant Manager already lives in database % of this server, and its roles belong to the whole server. '
            'Use that database, or another server for this one.', holder USING ERRCODE = 'TM020';
    END IF;
    IF elsewhere <> 'tenancy_definer' THEN
        RAISE 'Schema tenancy of this database belongs to %, not to tenancy_definer. After a restore without its '
            'owners: first make the roles of the old server here (pg_dumpall --roles-only), restore again without '
            '--no-owner, then bootstrap with --moved. Any other schema of that name must be renamed.', elsewhere
            USING ERRCODE = 'TM020';
    END IF;
END $$;

-- Only who has ADMIN on the existing roles can upgrade them.
DO $$
DECLARE
    held_by text;
    out_of_reach text;
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;
    SELECT min(rolname) INTO out_of_reach FROM pg_roles
     WHERE (rolname ~ '^tenancy_executor_[0-9]+$' OR rolname IN ('tenancy_operator', 'tenancy_definer', 'tenancy_owner',
            'tenancy_tenant', 'tenancy_app', 'tenancy_admin')) AND NOT pg_has_role(oid, 'MEMBER WITH ADMIN OPTION');
    IF out_of_reach IS NULL THEN
        RETURN;
    END IF;
    SELECT string_agg(DISTINCT m.member::regrole::text, ', ') INTO held_by FROM pg_auth_members m
     WHERE m.roleid = out_of_reach::regrole AND m.admin_option;
    RAISE 'The roles of Tenant Manager were made by another administrator (%), and % has no ADMIN OPTION on %. '
        'Run this as that administrator or as a superuser, or let one of them run, for every role that begins with '
        'tenancy_: GRANT <role> TO % WITH ADMIN OPTION.', coalesce(held_by, 'a superuser'), current_user, out_of_reach,
        quote_ident(current_user) USING ERRCODE = 'TM020';
END $$;
