-- 050 A tenant as a whole, in one call: registry, catalog, login, membership, schema, history.

SET LOCAL ROLE tenancy_definer;

-- 64 creators share the work; the same identifier always meets the same one.
CREATE OR REPLACE FUNCTION tenancy.executor_of(p_identifier text) RETURNS int
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (hashtext(p_identifier) & 2147483647) % 64;
END $$;

-- The row is inserted before anything is looked at: its primary key decides between two that create at once.
CREATE OR REPLACE FUNCTION tenancy.register(
    p_identifier text, p_cluster text, p_namespace text, p_namespace_uid text, p_name text) RETURNS tenancy.registry
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant tenancy.registry;
BEGIN
    PERFORM tenancy.valid(p_identifier), tenancy.valid_owner(p_cluster, p_namespace, p_namespace_uid, p_name);
    INSERT INTO tenancy.registry (identifier, cluster, namespace, namespace_uid, name, executor)
    VALUES (p_identifier, p_cluster, p_namespace, p_namespace_uid, p_name, tenancy.executor_of(p_identifier))
        ON CONFLICT DO NOTHING RETURNING * INTO tenant;
    IF NOT FOUND THEN
        RAISE 'identifier % is taken or retained', p_identifier USING ERRCODE = 'TM010';
    END IF;
    IF to_regnamespace(p_identifier) IS NOT NULL THEN
        RAISE 'schema % exists and is not ours', p_identifier USING ERRCODE = 'TM003';
    END IF;
    RETURN tenant;
END $$;

CREATE OR REPLACE FUNCTION tenancy.create_tenant(
    p_epoch bigint, p_identifier text, p_cluster text, p_namespace text, p_namespace_uid text, p_name text,
    p_verifier text, p_connections int, p_settings jsonb, p_ddl boolean, p_catalog jsonb, p_generation bigint)
RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
    ran text[];
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.valid_verifier(p_verifier),
            tenancy.valid_settings(p_settings, p_connections);
    tenant := tenancy.register(p_identifier, p_cluster, p_namespace, p_namespace_uid, p_name);
    PERFORM tenancy.remember(p_identifier, p_identifier, 'a', p_verifier);
    ran := tenancy.write_catalog(p_identifier, p_catalog)
        || tenancy.role(tenant.executor, 'create and join', p_identifier, p_verifier, p_connections, p_settings)
        || tenancy.run(tenancy.schema_statements(p_identifier, tenant.claim, p_ddl));
    PERFORM tenancy.note(p_identifier, p_generation, 'created', '{CreateTenant}', ran);
    RETURN ran;
END $$;

RESET ROLE;
