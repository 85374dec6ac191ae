-- 061 Dropping for good. What is gone counts as done; what a stranger replaced is left alone and named; a role that
-- cannot be dropped loses login, password and name, and is tried again later. The deletion completes in every case.

SET LOCAL ROLE tenancy_definer;

-- Who granted the role something in this database: DROP OWNED revokes only what roles that we hold have granted, so
-- these neighbours are lent to the executor for a moment.
CREATE OR REPLACE FUNCTION tenancy.grantors(p_role text, OUT neighbour text, OUT executor int) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT l.name, t.executor FROM pg_shdepend d
      LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
      LEFT JOIN pg_default_acl a ON d.classid = 'pg_default_acl'::regclass AND a.oid = d.objid
      LEFT JOIN pg_proc f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid
      LEFT JOIN pg_type y ON d.classid = 'pg_type'::regclass AND y.oid = d.objid
      LEFT JOIN pg_largeobject_metadata b ON d.classid = 'pg_largeobject'::regclass AND b.oid = d.objid
      JOIN pg_roles o ON o.oid IN (c.relowner, a.defaclrole, f.proowner, y.typowner, b.lomowner)
      JOIN tenancy.logins l ON l.name = o.rolname JOIN tenancy.registry t USING (identifier)
     WHERE d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND d.deptype = 'a'
       AND d.refclassid = 'pg_authid'::regclass AND d.refobjid = to_regrole(p_role)
       AND l.name <> p_role AND tenancy.role_state(l.name, t.claim) = 'ours'
$$;

-- An operation on a role that may be refused: NULL when it worked, else why not, and nothing was changed.
CREATE OR REPLACE FUNCTION tenancy.attempt(
    p_executor int, p_role text, p_do text, INOUT p_ran text[], OUT why text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    p_ran := p_ran || tenancy.role(p_executor, p_do, p_role);
EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege OR lock_not_available OR object_in_use THEN
    GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
    why := coalesce(nullif(why, ''), SQLERRM);
END $$;

-- Drops a role of ours with all that it owns in this database; `why` is NULL when it worked. When the role must stay,
-- what it owns here goes all the same.
CREATE OR REPLACE FUNCTION tenancy.try_drop(p_executor int, p_role text, INOUT p_ran text[], OUT why text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    neighbours text[];
    executors int[];
BEGIN
    IF EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = to_regrole(p_role)
                  AND deptype = 'a' AND classid <> 'pg_database'::regclass) THEN  -- rare, and the next one costs 2 ms
        SELECT array_agg(neighbour), array_agg(executor) INTO neighbours, executors FROM tenancy.grantors(p_role);
    END IF;
    FOR i IN 1..coalesce(cardinality(neighbours), 0) LOOP
        p_ran := p_ran || tenancy.role(executors[i], 'lend', neighbours[i], NULL, p_executor);
    END LOOP;
    SELECT * INTO p_ran, why FROM tenancy.attempt(p_executor, p_role, 'drop', p_ran);
    IF why IS NOT NULL THEN
        SELECT a.p_ran INTO p_ran FROM tenancy.attempt(p_executor, p_role, 'empty', p_ran) AS a;
    END IF;
    FOR i IN 1..coalesce(cardinality(neighbours), 0) LOOP
        p_ran := p_ran || tenancy.role(executors[i], 'take back', neighbours[i], NULL, p_executor);
    END LOOP;
END $$;

-- One login of a tenant that is dropped: `leftover` is NULL when nothing of it remains.
CREATE OR REPLACE FUNCTION tenancy.drop_login(
    p_tenant tenancy.registry, p_login text, INOUT p_ran text[], OUT leftover text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    why text;
    shelf constant text := p_tenant.identifier || '__x' || left(p_tenant.claim::text, 8);
BEGIN
    p_ran := p_ran || tenancy.find_back(p_tenant, p_login);
    CASE tenancy.role_state(p_login, p_tenant.claim)
    WHEN 'missing' THEN RETURN;
    WHEN 'foreign' THEN
        leftover := format('The role %s was replaced by one that is not ours and was left alone.', p_login);
        RETURN;
    WHEN 'powerful' THEN
        leftover := format('The role %s has attributes that no tenant may have and was left alone.', p_login);
        RETURN;
    ELSE
        SELECT * INTO p_ran, why FROM tenancy.try_drop(p_tenant.executor, p_login, p_ran);
    END CASE;
    IF why IS NOT NULL THEN
        p_ran := p_ran || tenancy.role(p_tenant.executor, 'leave', p_login)
                       || tenancy.role(p_tenant.executor, 'shelve', p_login);
        INSERT INTO tenancy.leftovers (role, identifier, executor, claim, reason)
        VALUES (shelf, p_tenant.identifier, p_tenant.executor, p_tenant.claim, why);
        leftover := format('The role %s could not be dropped (%s): it is now %s, without login, and is tried again.',
                           p_login, why, shelf);
    END IF;
END $$;

-- Everything of a tenant, whatever its state.
CREATE OR REPLACE FUNCTION tenancy.drop_all(p_tenant tenancy.registry, OUT statements text[], OUT leftovers text[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    login text;
    leftover text;
    place text := tenancy.schema_name(p_tenant);
BEGIN
    statements := '{}';
    leftovers := '{}';
    IF EXISTS (SELECT FROM pg_stat_activity JOIN tenancy.logins l ON l.name = usename
                WHERE l.identifier = p_tenant.identifier) THEN
        FOR login IN SELECT name FROM tenancy.logins WHERE identifier = p_tenant.identifier
                        AND tenancy.role_state(name, p_tenant.claim) = 'ours' LOOP
            statements := statements || tenancy.role(p_tenant.executor, 'end sessions', login);
        END LOOP;
    END IF;
    IF place IS NOT NULL THEN
        statements := statements || tenancy.run(ARRAY[format('DROP SCHEMA %I CASCADE', place)]);
    ELSIF EXISTS (SELECT FROM pg_namespace WHERE nspname = p_tenant.identifier) THEN
        leftovers := leftovers || format('The schema %s was replaced by one that is not ours and was left alone.',
                                         p_tenant.identifier);
    END IF;
    FOR login IN SELECT name FROM tenancy.logins WHERE identifier = p_tenant.identifier ORDER BY name DESC LOOP
        SELECT * INTO statements, leftover FROM tenancy.drop_login(p_tenant, login, statements);
        leftovers := leftovers || array_remove(ARRAY[leftover], NULL);
    END LOOP;
    DELETE FROM tenancy.registry WHERE identifier = p_tenant.identifier;  -- and with it logins and catalog
    statements := statements || format('DELETE FROM tenancy.registry WHERE identifier = %L', p_tenant.identifier);
END $$;

-- Only active tenants: what was retained is dropped by an administrator alone, with purge().
CREATE OR REPLACE FUNCTION tenancy.drop_tenant(
    p_epoch bigint, p_identifier text, OUT statements text[], OUT leftovers text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.fence(p_epoch);
    SELECT * INTO statements, leftovers FROM tenancy.drop_all(tenancy.locked(p_identifier, 'active'));
END $$;

-- Another try. When it still cannot be dropped, the reason is noted and nothing is returned: that is no error.
CREATE OR REPLACE FUNCTION tenancy.drop_leftover(p_epoch bigint, p_role text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    shelved tenancy.leftovers;
    ran text[] := '{}';
    why text;
BEGIN
    PERFORM tenancy.fence(p_epoch);
    SELECT * INTO shelved FROM tenancy.leftovers WHERE role = p_role FOR UPDATE;
    IF NOT FOUND THEN
        RAISE 'there is no leftover %', coalesce(quote_literal(left(p_role, 70)), 'NULL') USING ERRCODE = 'TM004';
    END IF;
    CASE tenancy.role_state(p_role, shelved.claim)
    WHEN 'ours' THEN
        ran := tenancy.role(shelved.executor, 'end sessions', p_role);
        SELECT * INTO ran, why FROM tenancy.try_drop(shelved.executor, p_role, ran);
    WHEN 'missing' THEN ran := '{}';  -- somebody dropped it: done
    ELSE why := 'it was replaced, or has attributes that no tenant may have';
    END CASE;
    IF why IS NOT NULL THEN
        UPDATE tenancy.leftovers SET reason = why, tries = tries + 1 WHERE role = p_role;
        RETURN '{}';
    END IF;
    DELETE FROM tenancy.leftovers WHERE role = p_role;
    RETURN ran || format('DELETE FROM tenancy.leftovers WHERE role = %L', p_role);
END $$;

RESET ROLE;
