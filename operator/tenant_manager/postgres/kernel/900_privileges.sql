-- 900 Who may call and read what. First everything is taken from everybody, then this list is granted: after an upgrade
-- nothing remains that an older version, or a person, has granted.

SET LOCAL ROLE tenancy_definer;

DO $$
DECLARE
    o record;
BEGIN
    FOR o IN
        SELECT format('FUNCTION %s', p.oid::regprocedure) AS object, a.grantee
          FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
         WHERE p.pronamespace = 'tenancy'::regnamespace AND p.proowner = 'tenancy_definer'::regrole
           AND a.grantee <> p.proowner
        UNION
        SELECT format('TABLE %s', c.oid::regclass), a.grantee
          FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
         WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind IN ('r', 'S') AND a.grantee <> c.relowner
        UNION
        SELECT format('TABLE %s', c.oid::regclass), a.grantee
          FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) AS a
         WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relname <> 'tripwire' AND a.grantee <> c.relowner
        UNION
        SELECT 'SCHEMA tenancy', a.grantee
          FROM pg_namespace n, aclexplode(n.nspacl) AS a WHERE n.nspname = 'tenancy' AND a.grantee <> n.nspowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', o.object,
                       CASE o.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o.grantee)) END);
    END LOOP;
    FOR n IN 0..63 LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA tenancy TO tenancy_executor_%1$s;
                        GRANT SELECT ON tenancy.registry, tenancy.logins, tenancy.leftovers
                        TO tenancy_executor_%1$s', n);
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenancy_auditor') THEN  -- made by 910, if a superuser ran it
        GRANT USAGE ON SCHEMA tenancy TO tenancy_auditor;
        GRANT SELECT ON tenancy.logins TO tenancy_auditor;
    END IF;
END $$;

GRANT USAGE ON SCHEMA tenancy
   TO tenancy_operator, tenancy_admin, tenancy_tenant, tenancy_app, tenancy_migrator, tenancy_owner;

-- A table-wide grant on the tripwire was taken away above, and the column's with it: here it is again.
GRANT SELECT (x) ON tenancy.tripwire
   TO tenancy_tenant, tenancy_app, tenancy_migrator, tenancy_owner, tenancy_operator, tenancy_admin;

GRANT SELECT ON tenancy.registry, tenancy.logins, tenancy.leftovers, tenancy.leader, tenancy.kernel, tenancy.history,
    tenancy.plans, tenancy.tenants, tenancy.tenant_resources TO tenancy_operator;
GRANT SELECT ON tenancy.registry, tenancy.leftovers, tenancy.leader, tenancy.kernel, tenancy.history,
    tenancy.plans, tenancy.tenants, tenancy.tenant_resources TO tenancy_admin;
GRANT SELECT ON tenancy.plans, tenancy.tenants, tenancy.tenant_resources TO tenancy_tenant;  -- its own rows, by policy

GRANT EXECUTE ON FUNCTION
    tenancy.take_lead, tenancy.end_runs, tenancy.create_tenant, tenancy.make_login, tenancy.make_schema,
    tenancy."join", tenancy.set_grants, tenancy.set_verifier, tenancy.set_settings, tenancy.close_login,
    tenancy.open_login, tenancy.terminate, tenancy.retain, tenancy.restore, tenancy.drop_tables, tenancy.drop_tenant,
    tenancy.drop_leftover, tenancy.mark_abandoned, tenancy.set_catalog, tenancy.set_plan, tenancy.forget_plan,
    tenancy.record, tenancy.set_migrator_verifier
    TO tenancy_operator;
GRANT EXECUTE ON FUNCTION tenancy.release, tenancy.release_cluster, tenancy.rebind, tenancy.purge_tables, tenancy.purge
    TO tenancy_admin;

RESET ROLE;
