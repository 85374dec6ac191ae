-- 030 A tenant's login: make it, open and close it, its sessions, its limit and settings, its verifier.
-- Every function returns the statements that ran, verifiers masked.

SET LOCAL ROLE tenancy_definer;

-- What is kept of a verifier. Whoever calls this gives the role the same verifier in the same transaction.
CREATE OR REPLACE FUNCTION tenancy.remember(p_login text, p_identifier text, p_slot text, p_verifier text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO tenancy.logins (name, identifier, slot, iterations, salt, digest)
    SELECT p_login, p_identifier, p_slot, split_part(split_part(p_verifier, ':', 1), '$', 2)::int,
           split_part(split_part(p_verifier, '$', 2), ':', 2), sha256(convert_to(p_verifier, 'UTF8'))
        ON CONFLICT (name) DO UPDATE SET iterations = excluded.iterations, salt = excluded.salt,
           digest = excluded.digest, set_at = now();
END $$;

-- A missing role of a registered tenant: found under another name, it is renamed back; else it is made. It is open and
-- does not join the group: join() comes last, because it locks the group until the transaction ends.
CREATE OR REPLACE FUNCTION tenancy.make_login(
    p_epoch bigint, p_identifier text, p_verifier text, p_connections int, p_settings jsonb) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
    ran text[];
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.valid_verifier(p_verifier),
            tenancy.valid_settings(p_settings, p_connections);
    tenant := tenancy.locked(p_identifier, 'active');
    PERFORM tenancy.own_schema(tenant, 'ours', 'missing');
    IF tenancy.role_state(p_identifier, tenant.claim) <> 'missing' THEN
        RAISE 'role % exists', p_identifier USING ERRCODE = 'TM007';
    END IF;
    PERFORM tenancy.remember(p_identifier, p_identifier, 'a', p_verifier);
    ran := tenancy.role(tenant.executor, 'rename back', p_identifier);
    RETURN ran || tenancy.role(tenant.executor, CASE ran WHEN '{}' THEN 'create' ELSE 'reset' END, p_identifier,
                               p_verifier, p_connections, p_settings);
END $$;

CREATE OR REPLACE FUNCTION tenancy."join"(p_epoch bigint, p_identifier text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
BEGIN
    PERFORM tenancy.fence(p_epoch);
    tenant := tenancy.locked(p_identifier, 'active');
    PERFORM tenancy.own_schema(tenant, 'ours', 'missing');
    RETURN tenancy.role(tenant.executor, 'join', p_identifier);
END $$;

CREATE OR REPLACE FUNCTION tenancy.set_verifier(
    p_epoch bigint, p_identifier text, p_slot text, p_verifier text, p_connections int) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.valid_verifier(p_verifier), tenancy.valid_settings('{}', p_connections);
    IF p_slot IS DISTINCT FROM 'a' THEN
        RAISE 'there is no slot %', coalesce(quote_literal(left(p_slot, 60)), 'NULL') USING ERRCODE = 'TM009';
    END IF;
    tenant := tenancy.locked(p_identifier, 'active');
    PERFORM tenancy.own_schema(tenant, 'ours', 'missing');
    PERFORM tenancy.remember(p_identifier, p_identifier, p_slot, p_verifier);
    RETURN tenancy.role(tenant.executor, 'verifier', p_identifier, p_verifier, p_connections);
END $$;

CREATE OR REPLACE FUNCTION tenancy.set_settings(
    p_epoch bigint, p_identifier text, p_settings jsonb, p_connections int) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.valid_settings(p_settings, p_connections);
    tenant := tenancy.locked(p_identifier, 'active');
    PERFORM tenancy.own_schema(tenant, 'ours', 'missing');
    RETURN tenancy.role(tenant.executor, 'settings', p_identifier, NULL, p_connections, p_settings);
END $$;

CREATE OR REPLACE FUNCTION tenancy.open_login(p_epoch bigint, p_identifier text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
BEGIN
    PERFORM tenancy.fence(p_epoch);
    tenant := tenancy.locked(p_identifier, 'active');
    PERFORM tenancy.own_schema(tenant, 'ours', 'missing');
    RETURN tenancy.role(tenant.executor, 'open', p_identifier);
END $$;

-- A role that a person renamed can still log in: before anything is closed or dropped it gets its name back.
CREATE OR REPLACE FUNCTION tenancy.find_back(p_tenant tenancy.registry, p_login text) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tenancy.role_state(p_login, p_tenant.claim) <> 'missing' THEN
        RETURN '{}';
    END IF;
    RETURN tenancy.role(p_tenant.executor, 'rename back', p_login);
END $$;

-- Sessions first, then NOLOGIN, which others see only once it is committed: a client that reconnects in a loop gets
-- back in until then. So the caller commits and calls terminate() until it answers 0.
CREATE OR REPLACE FUNCTION tenancy.close_roles(p_tenant tenancy.registry) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    login text;
    ran text[] := '{}';
BEGIN
    FOR login IN SELECT name FROM tenancy.logins WHERE identifier = p_tenant.identifier ORDER BY name DESC LOOP
        ran := ran || tenancy.find_back(p_tenant, login);
        IF tenancy.role_state(login, p_tenant.claim) IN ('ours', 'powerful') THEN  -- gone is gone; a stranger's stays
            ran := ran || tenancy.role(p_tenant.executor, 'end sessions', login)
                       || tenancy.role(p_tenant.executor, 'close', login);
        END IF;
    END LOOP;
    RETURN ran;
END $$;

CREATE OR REPLACE FUNCTION tenancy.close_login(p_epoch bigint, p_identifier text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.fence(p_epoch);
    RETURN tenancy.close_roles(tenancy.locked(p_identifier, 'active'));
END $$;

-- How many sessions were found and told to end. They end a moment later, so 0 is the only proof that none is left.
CREATE OR REPLACE FUNCTION tenancy.terminate(p_epoch bigint, p_identifier text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
    login text;
    found_sessions int := 0;
BEGIN
    PERFORM tenancy.fence(p_epoch);
    tenant := tenancy.locked(p_identifier, 'active', 'retained');
    FOR login IN SELECT name FROM tenancy.logins WHERE identifier = p_identifier ORDER BY name DESC LOOP
        IF tenancy.role_state(login, tenant.claim) IN ('ours', 'powerful') THEN
            found_sessions := found_sessions + cardinality(tenancy.role(tenant.executor, 'end sessions', login));
        END IF;
    END LOOP;
    RETURN found_sessions;
END $$;

CREATE OR REPLACE FUNCTION tenancy.set_migrator_verifier(p_epoch bigint, p_verifier text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.valid_verifier(p_verifier);
    RETURN tenancy.role_migrator(p_verifier);
END $$;

RESET ROLE;
