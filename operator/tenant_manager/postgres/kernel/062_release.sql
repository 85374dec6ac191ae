-- 062 For administrators (members of tenancy_admin). The operator may execute none of these: whoever steals its login
-- can neither hand retained data to another owner nor drop it.

SET LOCAL ROLE tenancy_definer;

-- The Tenant NAMESPACE/NAME, of whatever cluster and namespace UID, may take the retained data.
CREATE OR REPLACE FUNCTION tenancy.release(p_identifier text, p_namespace text, p_name text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    ran text[];
BEGIN
    PERFORM tenancy.not_a_copy(), tenancy.valid_owner('any', p_namespace, 'any', p_name),
            tenancy.locked(p_identifier, 'retained');
    UPDATE tenancy.registry SET released_to = p_namespace || '/' || p_name WHERE identifier = p_identifier;
    ran := ARRAY[format('UPDATE tenancy.registry SET released_to = %L WHERE identifier = %L',
                        p_namespace || '/' || p_name, p_identifier)];
    PERFORM tenancy.note(p_identifier, NULL, 'released', '{release}', ran);
    RETURN ran;
END $$;

-- All that was retained for a cluster, each to its own namespace and name: the cluster was rebuilt.
CREATE OR REPLACE FUNCTION tenancy.release_cluster(p_cluster text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.not_a_copy();
    RETURN tenancy.hand_back(p_cluster, 'retained', 'released', '{release}');
END $$;

-- All that is active for a cluster: its Tenants, applied again with new namespaces, may take their rows.
CREATE OR REPLACE FUNCTION tenancy.rebind(p_cluster text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.not_a_copy();
    RETURN tenancy.hand_back(p_cluster, 'active', 'rebound', '{rebind}');
END $$;

CREATE OR REPLACE FUNCTION tenancy.hand_back(p_cluster text, p_state text, p_outcome text, p_steps text[])
RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed record;
    rows int := 0;
BEGIN
    FOR changed IN UPDATE tenancy.registry SET released_to = namespace || '/' || name
                    WHERE cluster = p_cluster AND state = p_state RETURNING identifier, released_to LOOP
        PERFORM tenancy.note(changed.identifier, NULL, p_outcome, p_steps, ARRAY[format(
            'UPDATE tenancy.registry SET released_to = %L WHERE identifier = %L',
            changed.released_to, changed.identifier)]);
        rows := rows + 1;
    END LOOP;
    RETURN rows;
END $$;

-- Some of the relations of what is retained, where they are too many for the one transaction of purge(); how many are
-- left.
CREATE OR REPLACE FUNCTION tenancy.purge_tables(p_identifier text, p_limit int) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.not_a_copy();
    RETURN tenancy.drop_some(tenancy.locked(p_identifier, 'retained'), p_limit);
END $$;

-- Drops retained data for good. The command that calls this asks for the identifier to be typed.
CREATE OR REPLACE FUNCTION tenancy.purge(p_identifier text, OUT statements text[], OUT leftovers text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.not_a_copy();
    SELECT * INTO statements, leftovers FROM tenancy.drop_all(tenancy.locked(p_identifier, 'retained'));
    PERFORM tenancy.note(p_identifier, NULL, 'purged', '{purge}', statements);
END $$;

RESET ROLE;
