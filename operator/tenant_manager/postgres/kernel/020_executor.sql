-- 020 The only code that creates, changes or drops a role.
--
-- change_role is the text; role_0 .. role_63 are its 64 doors, each owned by its executor and running with its rights.
-- An executor has ADMIN on the roles that it made and on no others: PostgreSQL itself holds that, not our checks.
-- change_role belongs to executor 0, so that tenancy_definer, whose functions the operator calls, cannot replace it.

SET LOCAL ROLE tenancy_definer;
DO $$
BEGIN
    FOR n IN 0..63 LOOP
        EXECUTE format('GRANT USAGE, CREATE ON SCHEMA tenancy TO tenancy_executor_%1$s;
                        GRANT SELECT ON tenancy.registry, tenancy.logins, tenancy.leftovers
                        TO tenancy_executor_%1$s', n);
    END LOOP;
END $$;

SET LOCAL ROLE tenancy_executor_0;

-- The mark that the role's comment must carry: it is a login of a tenant of this executor, or a leftover of one.
CREATE OR REPLACE FUNCTION tenancy.role_mark(p_executor int, p_role text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_claim uuid;
BEGIN
    SELECT t.claim INTO found_claim FROM tenancy.logins l JOIN tenancy.registry t USING (identifier)
     WHERE l.name = p_role AND t.executor = p_executor;
    IF found_claim IS NULL THEN
        SELECT claim INTO found_claim FROM tenancy.leftovers WHERE role = p_role AND executor = p_executor;
    END IF;
    IF found_claim IS NULL THEN
        RAISE 'role % is not a login of ours', p_role USING ERRCODE = 'TM004';
    END IF;
    RETURN 'tenant-manager ' || found_claim;
END $$;

-- Refuses a role that is gone, that a stranger made, or that became powerful.
CREATE OR REPLACE FUNCTION tenancy.prove_role(p_role text, p_mark text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found pg_roles;
BEGIN
    SELECT * INTO found FROM pg_roles WHERE rolname = p_role;
    IF found.oid IS NULL OR left(shobj_description(found.oid, 'pg_authid'), 51) IS DISTINCT FROM p_mark THEN
        RAISE 'the role % was dropped or replaced', p_role USING ERRCODE = 'TM007';
    END IF;
    IF found.rolsuper OR found.rolcreaterole OR found.rolcreatedb OR found.rolbypassrls OR found.rolreplication THEN
        RAISE 'the role % has attributes that no tenant may have', p_role USING ERRCODE = 'TM005';
    END IF;
END $$;

-- The tenant's role under another name: same mark, and made by this executor, which the implicit grant by the
-- bootstrap superuser (oid 10) proves. A comment alone can be copied by whoever has a role of his own. What became a
-- superuser under its new name is no tenant any more, and out of an executor's reach.
CREATE OR REPLACE FUNCTION tenancy.renamed_role(p_mark text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.rolname FROM pg_shdescription d
      JOIN pg_roles r ON r.oid = d.objoid AND d.classoid = 'pg_authid'::regclass
      JOIN pg_auth_members m ON m.roleid = r.oid AND m.admin_option AND m.grantor = 10
      JOIN pg_roles executor ON executor.oid = m.member AND executor.rolname = current_user
     WHERE left(d.description, 51) = p_mark AND NOT r.rolsuper
       AND NOT EXISTS (SELECT FROM tenancy.logins WHERE name = r.rolname) LIMIT 1
$$;

-- The session defaults and the search_path of a new role.
CREATE OR REPLACE FUNCTION tenancy.role_settings(p_role text, p_settings jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('ALTER ROLE %I SET search_path = %I, extensions', p_role, split_part(p_role, '__', 1))
        || ARRAY(SELECT format('ALTER ROLE %I SET %I = %L', p_role, key, value) FROM jsonb_each_text(p_settings));
END $$;

-- Of the settings that we manage, what else the role has, here and in this database. What we do not manage stays.
CREATE OR REPLACE FUNCTION tenancy.role_resets(p_role text, p_settings jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT format('ALTER ROLE %I%s RESET %I', p_role,
                      CASE WHEN s.setdatabase = 0 THEN '' ELSE format(' IN DATABASE %I', current_database()) END, name)
          FROM pg_db_role_setting s, unnest(s.setconfig) AS config, split_part(config, '=', 1) AS name
         WHERE s.setrole = to_regrole(p_role)
           AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
           AND name IN ('search_path', 'statement_timeout', 'idle_in_transaction_session_timeout',
                        'idle_session_timeout', 'lock_timeout', 'work_mem')
           AND (s.setdatabase <> 0 OR (name <> 'search_path' AND NOT p_settings ? name)));
END $$;

-- Ends all sessions of the role, wherever on the server they are. Ending a session takes membership with INHERIT.
CREATE OR REPLACE FUNCTION tenancy.end_sessions(p_role text) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sessions int[];
BEGIN
    PERFORM pg_stat_clear_snapshot();  -- else a second look in one transaction sees the sessions of the first
    sessions := ARRAY(SELECT pid FROM pg_stat_activity WHERE usesysid = to_regrole(p_role));
    IF sessions = '{}' THEN
        RETURN '{}';
    END IF;
    EXECUTE format('GRANT %I TO %I WITH INHERIT TRUE, SET TRUE', p_role, current_user);
    PERFORM pg_terminate_backend(pid) FROM unnest(sessions) AS pid;
    EXECUTE format('REVOKE %I FROM %I', p_role, current_user);
    RETURN ARRAY(SELECT format('SELECT pg_terminate_backend(%s)', pid) FROM unnest(sessions) AS pid);
END $$;

-- Membership of the group, exactly: INHERIT, because CONNECT comes through it; no SET, else the tenant becomes the
-- group.
CREATE OR REPLACE FUNCTION tenancy.join_group(p_role text) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stranger text;
BEGIN
    SELECT pg_get_userbyid(grantor) INTO stranger FROM pg_auth_members
     WHERE roleid = 'tenancy_tenant'::regrole AND member = to_regrole(p_role)
       AND (admin_option OR set_option) AND pg_get_userbyid(grantor) <> current_user LIMIT 1;
    IF FOUND THEN
        RAISE 'role % got more than membership of tenancy_tenant; % must run: REVOKE tenancy_tenant FROM %', p_role,
            stranger, p_role USING ERRCODE = 'TM005';
    END IF;
    RETURN ARRAY[format('GRANT tenancy_tenant TO %I WITH ADMIN FALSE, INHERIT TRUE, SET FALSE', p_role)];
END $$;
