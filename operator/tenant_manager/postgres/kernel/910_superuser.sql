-- 910 What only a superuser can do. Run by another administrator, this file changes nothing, and bootstrap says what is
-- not held for that reason.

DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;

    -- Large objects belong to no schema: they would escape every limit.
    REVOKE EXECUTE ON FUNCTION lo_creat(int), lo_create(oid), lo_from_bytea(oid, bytea), lo_put(oid, bigint, bytea),
        lowrite(int, bytea), lo_import(text), lo_import(text, oid) FROM PUBLIC;

    -- Which passwords changed since we set them: names only, never a verifier.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenancy_auditor') THEN
        CREATE ROLE tenancy_auditor NOLOGIN;
    END IF;
    GRANT SELECT (rolname, rolpassword) ON pg_authid TO tenancy_auditor;
    SET LOCAL ROLE tenancy_definer;
    GRANT USAGE, CREATE ON SCHEMA tenancy TO tenancy_auditor;
    GRANT SELECT ON tenancy.logins TO tenancy_auditor;
    SET LOCAL ROLE tenancy_auditor;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    EXECUTE $f$
        CREATE OR REPLACE FUNCTION tenancy.changed_passwords() RETURNS SETOF text
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
            SELECT l.name FROM tenancy.logins l JOIN pg_authid a ON a.rolname = l.name
             WHERE sha256(convert_to(a.rolpassword, 'UTF8')) IS DISTINCT FROM l.digest
        $body$ $f$;
    REVOKE ALL ON FUNCTION tenancy.changed_passwords FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION tenancy.changed_passwords TO tenancy_operator;
    SET LOCAL ROLE tenancy_definer;
    REVOKE CREATE ON SCHEMA tenancy FROM tenancy_auditor;
    RESET ROLE;
END $$;
