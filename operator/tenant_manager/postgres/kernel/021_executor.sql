-- 021 One branch an operation, each with its own statement. p_argument is a verifier where one is needed; p_number a
-- connection limit, or the executor that a role is lent to. No argument is SQL. The statements are written with a mask
-- in the verifier's place, and are returned so; the verifier takes its place, as a literal, in what is executed.

CREATE OR REPLACE FUNCTION tenancy.role_statements(
    p_do text, p_role text, p_mark text, p_number int, p_settings jsonb) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    masked constant text := 'SCRAM-SHA-256$<masked>';
    retained text := to_char(now() AT TIME ZONE 'UTC', '" retained "YYYY-MM-DD"T"HH24:MI"Z"');
    comment constant text := format('COMMENT ON ROLE %I IS %%L', p_role);
    borrow constant text := format('GRANT %I TO %I WITH INHERIT TRUE, SET TRUE', p_role, current_user);
BEGIN
    CASE p_do
    WHEN 'create' THEN
        RETURN ARRAY[format('CREATE ROLE %I LOGIN PASSWORD %L CONNECTION LIMIT %s', p_role, masked, p_number),
                     format(comment, p_mark)] || tenancy.role_settings(p_role, p_settings);
    WHEN 'create and join' THEN
        RETURN ARRAY[format('CREATE ROLE %I LOGIN PASSWORD %L CONNECTION LIMIT %s', p_role, masked, p_number),
                     format(comment, p_mark)] || tenancy.role_settings(p_role, p_settings)
            || tenancy.join_group(p_role);
    WHEN 'reset' THEN
        RETURN ARRAY[format('ALTER ROLE %I LOGIN VALID UNTIL ''infinity'' PASSWORD %L CONNECTION LIMIT %s', p_role,
                            masked, p_number), format(comment, p_mark)] || tenancy.role_settings(p_role, p_settings)
            || tenancy.role_resets(p_role, p_settings);
    WHEN 'rename back' THEN
        RETURN ARRAY(SELECT format('ALTER ROLE %I RENAME TO %I', old, p_role) FROM tenancy.renamed_role(p_mark) AS old
                      WHERE old IS NOT NULL);
    WHEN 'verifier' THEN
        RETURN ARRAY[format('ALTER ROLE %I PASSWORD %L CONNECTION LIMIT %s', p_role, masked, p_number)];
    WHEN 'settings' THEN
        RETURN format('ALTER ROLE %I CONNECTION LIMIT %s', p_role, p_number)
            || tenancy.role_settings(p_role, p_settings) || tenancy.role_resets(p_role, p_settings);
    WHEN 'open' THEN RETURN ARRAY[format('ALTER ROLE %I LOGIN VALID UNTIL ''infinity''', p_role)];
    WHEN 'close' THEN RETURN ARRAY[format('ALTER ROLE %I NOLOGIN', p_role)];
    WHEN 'mark' THEN RETURN ARRAY[format(comment, p_mark)];
    WHEN 'mark retained' THEN RETURN ARRAY[format(comment, p_mark || retained)];
    WHEN 'join' THEN RETURN tenancy.join_group(p_role);
    WHEN 'leave' THEN
        RETURN ARRAY(SELECT format('REVOKE tenancy_tenant FROM %I', p_role) FROM pg_auth_members
                      WHERE roleid = 'tenancy_tenant'::regrole AND pg_get_userbyid(grantor) = current_user
                        AND member = to_regrole(p_role));
    WHEN 'lend' THEN
        RETURN ARRAY[format('GRANT %I TO tenancy_executor_%s WITH INHERIT TRUE, SET TRUE', p_role, p_number)];
    WHEN 'take back' THEN RETURN ARRAY[format('REVOKE %I FROM tenancy_executor_%s', p_role, p_number)];
    WHEN 'empty' THEN
        RETURN ARRAY[borrow, format('DROP OWNED BY %I CASCADE', p_role),
                     format('REVOKE %I FROM %I', p_role, current_user)];
    WHEN 'drop' THEN
        RETURN ARRAY[borrow, format('DROP OWNED BY %I CASCADE', p_role), format('DROP ROLE %I', p_role)];
    WHEN 'shelve' THEN
        RETURN ARRAY[format('ALTER ROLE %I NOLOGIN PASSWORD NULL', p_role),
                     format('ALTER ROLE %I RENAME TO %I', p_role,
                            split_part(p_role, '__', 1) || '__x' || substr(p_mark, 16, 8))];
    END CASE;  -- anything else is an error
END $$;

CREATE OR REPLACE FUNCTION tenancy.change_role(
    p_executor int, p_do text, p_role text, p_argument text, p_number int, p_settings jsonb) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mark constant text := tenancy.role_mark(p_executor, p_role);
    statements text[];
BEGIN
    IF p_do NOT IN ('create', 'create and join', 'rename back') THEN
        PERFORM tenancy.prove_role(p_role, mark);
    ELSIF to_regrole(p_role) IS NOT NULL THEN
        RAISE 'role % exists and is not ours', p_role USING ERRCODE = 'TM003';
    END IF;
    IF p_do = 'end sessions' THEN
        RETURN tenancy.end_sessions(p_role);
    END IF;
    statements := tenancy.role_statements(p_do, p_role, mark, p_number, p_settings);
    IF statements <> '{}' THEN
        EXECUTE replace(array_to_string(statements, '; '), quote_literal('SCRAM-SHA-256$<masked>'),
                        quote_nullable(p_argument));
    END IF;
    RETURN statements;
END $$;

-- The migrator's verifier is set afresh for each run; this door names no other role.
CREATE OR REPLACE FUNCTION tenancy.role_migrator(p_verifier text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    EXECUTE format('ALTER ROLE tenancy_migrator PASSWORD %L', p_verifier);
    RETURN ARRAY['ALTER ROLE tenancy_migrator PASSWORD ''SCRAM-SHA-256$<masked>'''];
END $$;

-- The 64 doors. Nobody but tenancy_definer may knock.
DO $do$
DECLARE
    door text;
BEGIN
    FOR n IN 0..63 LOOP
        door := format('tenancy.role_%s(text, text, text, int, jsonb)', n);
        SET LOCAL ROLE tenancy_executor_0;
        EXECUTE format('GRANT EXECUTE ON FUNCTION tenancy.role_mark, tenancy.prove_role, tenancy.renamed_role,
                        tenancy.role_settings, tenancy.role_resets, tenancy.end_sessions, tenancy.join_group,
                        tenancy.role_statements, tenancy.change_role TO tenancy_executor_%s', n);
        EXECUTE format('SET LOCAL ROLE tenancy_executor_%s', n);
        ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
        EXECUTE format($f$
            CREATE OR REPLACE FUNCTION tenancy.role_%1$s(
                p_do text, p_role text, p_argument text, p_number int, p_settings jsonb) RETURNS text[]
            LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s'
            SET createrole_self_grant = '' AS $body$
            BEGIN
                RETURN tenancy.change_role(%1$s, p_do, p_role, p_argument, p_number, p_settings);
            END $body$ $f$, n);
        EXECUTE format('REVOKE ALL ON FUNCTION %1$s FROM PUBLIC;
                        GRANT EXECUTE ON FUNCTION %1$s TO tenancy_definer', door);
    END LOOP;
END $do$;

SET LOCAL ROLE tenancy_executor_0;
REVOKE ALL ON FUNCTION tenancy.role_mark, tenancy.prove_role, tenancy.renamed_role, tenancy.role_settings,
    tenancy.role_resets, tenancy.end_sessions, tenancy.join_group, tenancy.role_statements, tenancy.change_role,
    tenancy.role_migrator FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenancy.role_migrator TO tenancy_definer;

SET LOCAL ROLE tenancy_definer;
DO $$
BEGIN
    FOR n IN 0..63 LOOP
        EXECUTE format('REVOKE CREATE ON SCHEMA tenancy FROM tenancy_executor_%s', n);
    END LOOP;
END $$;

-- The way to a door. Not SECURITY DEFINER and granted to nobody: only tenancy_definer's own functions get through.
CREATE OR REPLACE FUNCTION tenancy.role(
    p_executor int, p_do text, p_role text, p_argument text DEFAULT NULL, p_number int DEFAULT NULL,
    p_settings jsonb DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ran text[];
BEGIN
    EXECUTE format('SELECT tenancy.role_%s($1, $2, $3, $4, $5)', p_executor) INTO ran
      USING p_do, p_role, p_argument, p_number, p_settings;
    RETURN ran;
END $$;

RESET ROLE;
