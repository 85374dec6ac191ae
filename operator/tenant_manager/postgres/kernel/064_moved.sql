-- 064 Only with --moved: what a restore may have lost. Executors get their ADMIN back on roles that carry the mark of
-- the registry (pg_dumpall names the grantor, whom the new server may not know), and a restore that met no tenants'
-- roles, so that their tables belong to whoever restored, is refused.

DO $$
DECLARE
    orphaned text[];
    executors int[];
    strayed text;
BEGIN
    IF NOT current_setting('tenancy.moved')::boolean THEN
        RETURN;
    END IF;
    SET LOCAL ROLE tenancy_definer;
    SELECT array_agg(l.name), array_agg(t.executor) INTO orphaned, executors
      FROM tenancy.logins l JOIN tenancy.registry t USING (identifier)
     WHERE tenancy.role_state(l.name, t.claim) = 'ours' AND NOT EXISTS (
           SELECT FROM pg_auth_members m JOIN pg_roles role ON role.oid = m.roleid JOIN pg_roles e ON e.oid = m.member
            WHERE role.rolname = l.name AND e.rolname = 'tenancy_executor_' || t.executor AND m.admin_option);
    SELECT min(c.oid::regclass::text) INTO strayed
      FROM tenancy.registry t JOIN pg_namespace n ON n.nspname = t.identifier JOIN pg_class c ON c.relnamespace = n.oid
     WHERE session_user IN (pg_get_userbyid(c.relowner), pg_get_userbyid(n.nspowner));
    RESET ROLE;
    IF strayed IS NOT NULL THEN
        RAISE '% belongs to % and not to its tenant, because the restore met no role of the tenant''s name. Make the '
            'roles first (pg_dumpall --roles-only on the old server), then restore again without --no-owner.', strayed,
            session_user USING ERRCODE = 'TM020';
    END IF;
    FOR i IN 1..coalesce(cardinality(orphaned), 0) LOOP
        IF NOT pg_has_role(orphaned[i], 'MEMBER WITH ADMIN OPTION') THEN
            RAISE 'Role % cannot be given to its executor, because % has no ADMIN OPTION on it. Run this as a '
                'superuser, or let whoever made the role run: GRANT % TO % WITH ADMIN OPTION', orphaned[i], current_user,
                orphaned[i], current_user USING ERRCODE = 'TM020';
        END IF;
        EXECUTE format('GRANT %I TO tenancy_executor_%s WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
                       orphaned[i], executors[i]);
    END LOOP;
END $$;
