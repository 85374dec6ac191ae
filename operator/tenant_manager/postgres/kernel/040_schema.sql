-- 040 A tenant's schema and who may do what in it. It belongs to tenancy_definer: its tenant can neither rename,
-- comment, open nor drop it.

SET LOCAL ROLE tenancy_definer;

-- The statements that leave the schema to its owner and its tenant alone. Grants that the tenant or others handed on
-- go with the grant option they came from. Nothing is returned when all is as it should be.
CREATE OR REPLACE FUNCTION tenancy.schema_grants(p_identifier text, p_ddl boolean) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH schema AS (SELECT nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner)) AS acl
                      FROM pg_namespace WHERE nspname = p_identifier),
         held AS (SELECT grantee, grantor, privilege_type, is_grantable, grantee = nspowner AS is_owner,
                         coalesce(pg_get_userbyid(nullif(grantee, 0)) = p_identifier AND grantor = nspowner, false)
                             AS is_tenant
                    FROM schema, aclexplode(acl)),
         wanted AS (SELECT privilege FROM unnest(ARRAY['USAGE', CASE WHEN p_ddl THEN 'CREATE' END]) AS privilege
                     WHERE privilege IS NOT NULL)
    SELECT coalesce(array_agg(statement ORDER BY place), '{}') FROM (
        SELECT 1, format('REVOKE GRANT OPTION FOR ALL ON SCHEMA %I FROM %I CASCADE', p_identifier, p_identifier)
         WHERE EXISTS (SELECT FROM held WHERE is_tenant AND is_grantable)
        UNION ALL
        SELECT DISTINCT 2, format('REVOKE ALL ON SCHEMA %I FROM %s CASCADE', p_identifier,
                                  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
          FROM held, schema WHERE NOT is_owner AND NOT is_tenant AND grantor = nspowner
        UNION ALL
        SELECT 3, format('REVOKE %s ON SCHEMA %I FROM %I', privilege_type, p_identifier, p_identifier)
          FROM held WHERE is_tenant AND privilege_type NOT IN (SELECT privilege FROM wanted)
        UNION ALL
        SELECT 4, format('GRANT ALL ON SCHEMA %I TO tenancy_definer', p_identifier)
         WHERE (SELECT count(DISTINCT privilege_type) FROM held WHERE is_owner) < 2
        UNION ALL
        SELECT 5, format('GRANT %s ON SCHEMA %I TO %I', string_agg(privilege, ', '), p_identifier, p_identifier)
          FROM wanted WHERE privilege NOT IN (SELECT privilege_type FROM held WHERE is_tenant) HAVING count(*) > 0
    ) AS statements (place, statement)
$$;

CREATE OR REPLACE FUNCTION tenancy.schema_statements(p_identifier text, p_claim uuid, p_ddl boolean) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY[format('CREATE SCHEMA %I', p_identifier),
                 format('COMMENT ON SCHEMA %I IS %L', p_identifier, tenancy.mark(p_claim)),
                 format('GRANT USAGE%s ON SCHEMA %I TO %I', CASE WHEN p_ddl THEN ', CREATE' ELSE '' END,
                        p_identifier, p_identifier)];
END $$;

-- A missing schema of a registered tenant: found under another name, it is renamed back; else it is made. Its login
-- must exist: make_login() comes first.
CREATE OR REPLACE FUNCTION tenancy.make_schema(p_epoch bigint, p_identifier text, p_ddl boolean) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
    old text;
    ran text[];
BEGIN
    PERFORM tenancy.fence(p_epoch);
    tenant := tenancy.locked(p_identifier, 'active');
    PERFORM tenancy.own_schema(tenant, 'missing'), tenancy.own_role(tenant);
    old := tenancy.schema_name(tenant);
    IF old IS NULL THEN
        RETURN tenancy.run(tenancy.schema_statements(p_identifier, tenant.claim, p_ddl));
    END IF;
    ran := tenancy.run(ARRAY[format('ALTER SCHEMA %I RENAME TO %I', old, p_identifier),
                             format('COMMENT ON SCHEMA %I IS %L', p_identifier, tenancy.mark(tenant.claim))]);
    RETURN ran || tenancy.run(tenancy.schema_grants(p_identifier, p_ddl));
END $$;

CREATE OR REPLACE FUNCTION tenancy.set_grants(p_epoch bigint, p_identifier text, p_ddl boolean) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
BEGIN
    PERFORM tenancy.fence(p_epoch);
    tenant := tenancy.locked(p_identifier, 'active');
    PERFORM tenancy.own_schema(tenant, 'ours');
    PERFORM tenancy.own_role(tenant);
    RETURN tenancy.run(tenancy.schema_grants(p_identifier, p_ddl));
END $$;

-- Drops up to p_limit relations of a schema that is too large for one DROP SCHEMA, which takes four locks a table.
-- Returns how many are left. Sequences that belong to a column go with their table. Goes through pg_depend, because
-- pg_class has no index by schema.
CREATE OR REPLACE FUNCTION tenancy.drop_some(p_tenant tenancy.registry, p_limit int) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation record;
    place oid;
BEGIN
    IF p_limit IS NULL OR p_limit NOT BETWEEN 0 AND 1000 THEN
        RAISE 'the limit must be between 0 and 1000' USING ERRCODE = 'TM009';
    END IF;
    SELECT oid INTO place FROM pg_namespace
     WHERE nspname = p_tenant.identifier AND nspname = tenancy.schema_name(p_tenant);  -- a stranger's is left alone
    FOR relation IN SELECT * FROM tenancy.relations(place) LIMIT p_limit LOOP
        EXECUTE format('DROP %s IF EXISTS %I.%I CASCADE', relation.kind, p_tenant.identifier, relation.name);
    END LOOP;
    RETURN (SELECT count(*) FROM tenancy.relations(place));
END $$;

CREATE OR REPLACE FUNCTION tenancy.drop_tables(p_epoch bigint, p_identifier text, p_limit int) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.fence(p_epoch);
    PERFORM tenancy.own_schema(tenancy.locked(p_identifier, 'active'), 'ours', 'missing');
    RETURN tenancy.drop_some(tenancy.locked(p_identifier, 'active'), p_limit);
END $$;

-- What a schema holds that DROP can name by itself: tables first, and of these children before their parents, since
-- CASCADE would take all of them at once.
CREATE OR REPLACE FUNCTION tenancy.relations(p_schema oid, OUT kind text, OUT name text) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
                          WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relname
      FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid = p_schema
       AND d.deptype = 'n' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND NOT EXISTS (SELECT FROM pg_depend owner WHERE owner.classid = 'pg_class'::regclass AND owner.objid = c.oid
                          AND owner.deptype IN ('i', 'e'))
     ORDER BY c.relkind = 'r' DESC, c.relkind = 'p' DESC, EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid) DESC,
              c.oid
$$;

RESET ROLE;
