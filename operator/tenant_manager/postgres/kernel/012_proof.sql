-- 012 What an argument may be, and what is ours. Nothing here is called from outside.
--
-- Every CREATE SCHEMA makes all sessions plan all statements anew, at 0.1 ms each. So what every call needs is written
-- with few statements: an expression without a subquery is none.

SET LOCAL ROLE tenancy_definer;

-- The rule of the API once more, because a stolen login calls us directly. Two underscores in a row are ours.
CREATE OR REPLACE FUNCTION tenancy.valid(p_identifier text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_identifier IS NULL OR length(p_identifier) > 50 OR p_identifier !~ '^[a-z][a-z0-9]*(_[a-z0-9]+)*$'
       OR p_identifier ~ '^(pg_|tenancy)' OR p_identifier IN ('public', 'postgres', 'none', 'all', 'replication',
                                                             'information_schema', 'extensions') THEN
        RAISE 'identifier % is not allowed', coalesce(quote_literal(left(p_identifier, 60)), 'NULL')
            USING ERRCODE = 'TM002';
    END IF;
    IF quote_ident(p_identifier) <> p_identifier THEN  -- a word of SQL, perhaps a reserved one
        IF EXISTS (SELECT FROM pg_get_keywords() WHERE word = p_identifier AND catcode IN ('R', 'T')) THEN
            RAISE 'identifier % is not allowed', quote_literal(p_identifier) USING ERRCODE = 'TM002';
        END IF;
    END IF;
END $$;

-- Only a ready SCRAM verifier: a password in plain text would reach the server's log. The value is never echoed.
CREATE OR REPLACE FUNCTION tenancy.valid_verifier(p_verifier text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_verifier IS NULL OR p_verifier !~ ('^SCRAM-SHA-256\$[1-9][0-9]{0,6}:[A-Za-z0-9+/]{20,40}={0,2}'
                                            '\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$') THEN
        RAISE 'not a SCRAM-SHA-256 verifier' USING ERRCODE = 'TM006';
    END IF;
END $$;

-- The session defaults that a plan may set, each with its unit and range, and the connection limit (-1: none).
CREATE OR REPLACE FUNCTION tenancy.valid_settings(p_settings jsonb, p_connections int) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bad text;
BEGIN
    IF p_connections IS NULL OR p_connections NOT BETWEEN -1 AND 10000 THEN
        RAISE 'connections must be between -1 and 10000' USING ERRCODE = 'TM009';
    END IF;
    IF jsonb_typeof(p_settings) IS DISTINCT FROM 'object' THEN
        RAISE 'settings must be an object' USING ERRCODE = 'TM009';
    END IF;
    SELECT key INTO bad FROM jsonb_each(p_settings) WHERE NOT coalesce(CASE
        WHEN jsonb_typeof(value) <> 'string' THEN false
        WHEN key = 'work_mem' AND value #>> '{}' ~ '^[0-9]{1,9}kB$'
            THEN rtrim(value #>> '{}', 'kB')::bigint BETWEEN 64 AND 2147483647
        WHEN key IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'lock_timeout')
             AND value #>> '{}' ~ '^[0-9]{1,9}(ms|s)$'
            THEN extract(epoch FROM (value #>> '{}')::interval) * 1000 <= 2147483647
        ELSE false END, false) LIMIT 1;
    IF FOUND THEN
        RAISE 'setting % is not allowed, or its value is not', quote_literal(left(bad, 60)) USING ERRCODE = 'TM009';
    END IF;
END $$;

-- An owner: what Kubernetes lets its names be, so that "namespace/name" can be read in one way only.
CREATE OR REPLACE FUNCTION tenancy.valid_owner(p_cluster text, p_namespace text, p_namespace_uid text, p_name text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part constant text := '^[^[:cntrl:]/]{1,253}$';
BEGIN
    IF coalesce(p_cluster !~ '^[^[:cntrl:]]{1,253}$' OR p_namespace !~ part OR p_namespace_uid !~ part
                OR p_name !~ part, true) THEN
        RAISE 'a part of the owner is missing or is no name' USING ERRCODE = 'TM009';
    END IF;
END $$;

-- A tenant's row, locked until the transaction ends. This lock is what makes two calls for one tenant wait.
CREATE OR REPLACE FUNCTION tenancy.locked(p_identifier text, VARIADIC p_states text[]) RETURNS tenancy.registry
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant tenancy.registry;
BEGIN
    PERFORM tenancy.valid(p_identifier);
    SELECT * INTO tenant FROM tenancy.registry WHERE identifier = p_identifier AND state = ANY(p_states) FOR UPDATE;
    IF NOT FOUND THEN
        RAISE 'no % tenant %', array_to_string(p_states, ' or '), p_identifier USING ERRCODE = 'TM004';
    END IF;
    RETURN tenant;
END $$;

-- What the comments on our schemas and roles begin with: 51 characters, and no customer's name, since all can read it.
CREATE OR REPLACE FUNCTION tenancy.mark(p_claim uuid) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN 'tenant-manager ' || p_claim;
END $$;

-- 'ours', 'missing', or 'foreign': a stranger dropped it and made another.
CREATE OR REPLACE FUNCTION tenancy.schema_state(p_identifier text, p_claim uuid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found pg_namespace;
BEGIN
    SELECT * INTO found FROM pg_namespace WHERE nspname = p_identifier;
    IF found.oid IS NULL THEN
        RETURN 'missing';
    ELSIF found.nspowner = 'tenancy_definer'::regrole
          AND left(obj_description(found.oid, 'pg_namespace'), 51) = 'tenant-manager ' || p_claim THEN
        RETURN 'ours';
    END IF;
    RETURN 'foreign';
END $$;

-- 'ours', 'missing', 'foreign', or 'powerful': ours, but somebody gave it what no tenant may have.
CREATE OR REPLACE FUNCTION tenancy.role_state(p_role text, p_claim uuid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found pg_roles;
BEGIN
    SELECT * INTO found FROM pg_roles WHERE rolname = p_role;
    IF found.oid IS NULL THEN
        RETURN 'missing';
    ELSIF left(shobj_description(found.oid, 'pg_authid'), 51) IS DISTINCT FROM 'tenant-manager ' || p_claim THEN
        RETURN 'foreign';
    ELSIF found.rolsuper OR found.rolcreaterole OR found.rolcreatedb OR found.rolbypassrls OR found.rolreplication THEN
        RETURN 'powerful';
    END IF;
    RETURN 'ours';
END $$;

-- The tenant's schema under whatever name it has now, or NULL. Only its owner can comment it: mark and owner prove it.
CREATE OR REPLACE FUNCTION tenancy.schema_name(p_tenant tenancy.registry) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tenancy.schema_state(p_tenant.identifier, p_tenant.claim) = 'ours' THEN
        RETURN p_tenant.identifier;
    END IF;
    RETURN (SELECT n.nspname FROM pg_description d
              JOIN pg_namespace n ON n.oid = d.objoid AND d.classoid = 'pg_namespace'::regclass
             WHERE left(d.description, 51) = tenancy.mark(p_tenant.claim) AND n.nspowner = 'tenancy_definer'::regrole
             LIMIT 1);
END $$;

-- For what changes a schema: only our own is touched.
CREATE OR REPLACE FUNCTION tenancy.own_schema(p_tenant tenancy.registry, VARIADIC p_allowed text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tenancy.schema_state(p_tenant.identifier, p_tenant.claim) <> ALL(p_allowed) THEN
        RAISE 'the schema of % was dropped or replaced', p_tenant.identifier USING ERRCODE = 'TM008';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION tenancy.own_role(p_tenant tenancy.registry) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CASE tenancy.role_state(p_tenant.identifier, p_tenant.claim)
    WHEN 'ours' THEN RETURN;
    WHEN 'powerful' THEN
        RAISE 'the role % has attributes that no tenant may have', p_tenant.identifier USING ERRCODE = 'TM005';
    ELSE RAISE 'the role % was dropped or replaced', p_tenant.identifier USING ERRCODE = 'TM007';
    END CASE;
END $$;

-- Runs what a function of tenancy_definer put together from format() and checked names.
CREATE OR REPLACE FUNCTION tenancy.run(p_statements text[]) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_statements <> '{}' THEN
        EXECUTE array_to_string(p_statements, '; ');  -- in one go: each DDL statement makes the session plan anew
    END IF;
    RETURN p_statements;
END $$;

RESET ROLE;
