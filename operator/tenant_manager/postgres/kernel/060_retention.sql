-- 060 Deletion with Retain, and giving back. Retained data stays in place under its own names: the login is closed,
-- membership (and with it CONNECT) is taken away, registry and comments say since when. The domain is free again, the
-- identifier is not.

SET LOCAL ROLE tenancy_definer;

CREATE OR REPLACE FUNCTION tenancy.retain(p_epoch bigint, p_identifier text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
    login text;
    ran text[];
BEGIN
    PERFORM tenancy.fence(p_epoch);
    tenant := tenancy.locked(p_identifier, 'active');
    ran := tenancy.close_roles(tenant);
    FOR login IN SELECT name FROM tenancy.logins WHERE identifier = p_identifier
                    AND tenancy.role_state(name, tenant.claim) = 'ours' LOOP
        ran := ran || tenancy.role(tenant.executor, 'mark retained', login)
                   || tenancy.role(tenant.executor, 'leave', login);
    END LOOP;
    IF tenancy.schema_state(p_identifier, tenant.claim) = 'ours' THEN
        ran := ran || tenancy.run(ARRAY[format('COMMENT ON SCHEMA %I IS %L', p_identifier, tenancy.mark(tenant.claim)
            || to_char(now() AT TIME ZONE 'UTC', '" retained "YYYY-MM-DD"T"HH24:MI"Z"'))]);
    END IF;
    UPDATE tenancy.registry SET state = 'retained', since = now(), released_to = NULL, abandoned_since = NULL
     WHERE identifier = p_identifier;
    UPDATE tenancy.tenants SET status = 'retained', domain = NULL, updated_at = now() WHERE id = p_identifier;
    RETURN ran || format('UPDATE tenancy.registry SET state = ''retained'' WHERE identifier = %L', p_identifier);
END $$;

-- Data returns by itself only to the same owner, all four parts; else an administrator must have released it.
CREATE OR REPLACE FUNCTION tenancy.may_take(
    p_tenant tenancy.registry, p_cluster text, p_namespace text, p_namespace_uid text, p_name text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(p_tenant.released_to = p_namespace || '/' || p_name, false)
        OR (p_tenant.state = 'retained'
            AND (p_tenant.cluster, p_tenant.namespace, p_tenant.namespace_uid, p_tenant.name)
                = (p_cluster, p_namespace, p_namespace_uid, p_name))
$$;

-- What is missing is made again afterwards, by make_login() and make_schema(). A login that was retained is opened; of
-- an active tenant, which is only handed to its rebuilt cluster, the login stays as it is.
CREATE OR REPLACE FUNCTION tenancy.restore(
    p_epoch bigint, p_identifier text, p_cluster text, p_namespace text, p_namespace_uid text, p_name text)
RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
    ran text[] := '{}';
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.valid_owner(p_cluster, p_namespace, p_namespace_uid, p_name);
    tenant := tenancy.locked(p_identifier, 'active', 'retained');
    IF NOT tenancy.may_take(tenant, p_cluster, p_namespace, p_namespace_uid, p_name) THEN
        RAISE 'identifier % belongs to another owner', p_identifier USING ERRCODE = 'TM012';
    END IF;
    PERFORM tenancy.own_schema(tenant, 'ours', 'missing');
    IF tenancy.schema_state(p_identifier, tenant.claim) = 'ours' THEN
        ran := tenancy.run(ARRAY[format('COMMENT ON SCHEMA %I IS %L', p_identifier, tenancy.mark(tenant.claim))]);
    END IF;
    IF tenancy.role_state(p_identifier, tenant.claim) <> 'missing' THEN
        ran := ran || tenancy.role(tenant.executor, 'mark', p_identifier);
        IF tenant.state = 'retained' THEN
            ran := ran || tenancy.role(tenant.executor, 'open', p_identifier);
        END IF;
        ran := ran || tenancy.role(tenant.executor, 'join', p_identifier);
    END IF;
    UPDATE tenancy.registry SET state = 'active', since = now(), released_to = NULL, abandoned_since = NULL,
           cluster = p_cluster, namespace = p_namespace, namespace_uid = p_namespace_uid, name = p_name
     WHERE identifier = p_identifier;
    UPDATE tenancy.tenants SET status = 'active', updated_at = now() WHERE id = p_identifier AND status = 'retained';
    RETURN ran || format('UPDATE tenancy.registry SET state = ''active'' WHERE identifier = %L', p_identifier);
END $$;

-- Its cluster has no Tenant for this row any more. Nothing else changes: data and login stay as they are.
CREATE OR REPLACE FUNCTION tenancy.mark_abandoned(p_epoch bigint, p_identifier text, p_abandoned boolean) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.locked(p_identifier, 'active');
    UPDATE tenancy.registry SET abandoned_since = CASE WHEN p_abandoned THEN coalesce(abandoned_since, now()) END
     WHERE identifier = p_identifier;
    RETURN ARRAY[format('UPDATE tenancy.registry SET abandoned_since = %s WHERE identifier = %L',
                        CASE WHEN p_abandoned THEN 'now()' ELSE 'NULL' END, p_identifier)];
END $$;

RESET ROLE;
