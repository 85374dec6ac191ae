-- 064 Only with --moved: what a dump cannot carry. Where no superuser restored the roles (pg_dumpall --roles-only), the
-- administrator made the tenants' roles by hand, with the mark of the registry as comment. Their executors get ADMIN
-- on them, and the operator sets their passwords anew, since a role made by hand has another one.

DO $$
DECLARE
    adopted text[];
    executors int[];
    strayed text;
BEGIN
    IF NOT current_setting('tenancy.moved')::boolean THEN
        RETURN;
    END IF;
    SET LOCAL ROLE tenancy_definer;
    SELECT array_agg(l.name), array_agg(t.executor) INTO adopted, executors
      FROM tenancy.logins l JOIN tenancy.registry t USING (identifier)
     WHERE tenancy.role_state(l.name, t.claim) = 'ours' AND NOT EXISTS (
           SELECT FROM pg_auth_members m JOIN pg_roles role ON role.oid = m.roleid JOIN pg_roles e ON e.oid = m.member
            WHERE role.rolname = l.name AND e.rolname = 'tenancy_executor_' || t.executor AND m.admin_option);
    SELECT min(c.oid::regclass::text) INTO strayed
      FROM tenancy.registry t JOIN pg_namespace n ON n.nspname = t.identifier JOIN pg_class c ON c.relnamespace = n.oid
     WHERE pg_get_userbyid(c.relowner) = session_user OR (pg_get_userbyid(n.nspowner) = session_user);
    UPDATE tenancy.logins SET digest = '' WHERE name = ANY(adopted);
    RESET ROLE;
    IF strayed IS NOT NULL THEN
        RAISE '% belongs to % and not to its tenant: the restore met no role of the tenant''s name. Make the roles first '
            '(pg_dumpall --roles-only, or by hand), then restore again without --no-owner.', strayed, session_user
            USING ERRCODE = 'TM020';
    END IF;
    FOR i IN 1..coalesce(cardinality(adopted), 0) LOOP
        IF NOT pg_has_role(adopted[i], 'MEMBER WITH ADMIN OPTION') THEN
            RAISE 'Role % cannot be given to its executor, because % has no ADMIN OPTION on it: whoever made the role '
                'must run: GRANT % TO % WITH ADMIN OPTION', adopted[i], current_user, adopted[i], current_user
                USING ERRCODE = 'TM020';
        END IF;
        EXECUTE format('GRANT %I TO tenancy_executor_%s WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', adopted[i], executors[i]);
    END LOOP;
END $$;
