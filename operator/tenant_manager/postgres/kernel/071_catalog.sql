-- 071 Writing the catalog. The statements that are returned leave the values out: they are the customer's.

SET LOCAL ROLE tenancy_definer;

CREATE OR REPLACE FUNCTION tenancy.valid_catalog(p_catalog jsonb) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(p_catalog) IS DISTINCT FROM 'object' OR jsonb_typeof(p_catalog->'name') IS DISTINCT FROM 'string'
       OR jsonb_typeof(p_catalog->'plan') IS DISTINCT FROM 'string'
       OR coalesce(jsonb_typeof(p_catalog->'domain'), 'null') NOT IN ('string', 'null')
       OR coalesce(p_catalog->>'status', '') NOT IN ('active', 'suspended')
       OR jsonb_typeof(p_catalog->'settings') IS DISTINCT FROM 'object'
       OR jsonb_typeof(p_catalog->'limits') IS DISTINCT FROM 'object'
       OR jsonb_typeof(p_catalog->'resources') IS DISTINCT FROM 'object'
       OR jsonb_path_exists(p_catalog, '$.resources.* ? (@.type() != "number" && @.type() != "null")') THEN
        RAISE 'the catalog row is not complete, or a value has the wrong type' USING ERRCODE = 'TM009';
    END IF;
END $$;

-- The row and its resources, exactly; `used` of a resource that stays is kept, and so is what did not change.
CREATE OR REPLACE FUNCTION tenancy.write_catalog(p_identifier text, p_catalog jsonb) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_new boolean;
BEGIN
    PERFORM tenancy.valid_catalog(p_catalog);
    INSERT INTO tenancy.tenants AS row (id, name, domain, status, plan_id, settings, limits)
    VALUES (p_identifier, p_catalog->>'name', p_catalog->>'domain', p_catalog->>'status', p_catalog->>'plan',
            p_catalog->'settings', p_catalog->'limits')
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, domain = excluded.domain, status = excluded.status,
           plan_id = excluded.plan_id, settings = excluded.settings, limits = excluded.limits, updated_at = now()
     WHERE (row.name, row.domain, row.status, row.plan_id, row.settings, row.limits) IS DISTINCT FROM
           (excluded.name, excluded.domain, excluded.status, excluded.plan_id, excluded.settings, excluded.limits)
    RETURNING row.xmax = 0 INTO is_new;
    IF is_new IS NOT TRUE THEN
        DELETE FROM tenancy.tenant_resources
         WHERE tenant_id = p_identifier AND NOT p_catalog->'resources' ? resource_type;
    END IF;
    INSERT INTO tenancy.tenant_resources AS row (tenant_id, resource_type, limit_value)
    SELECT p_identifier, key, value::numeric FROM jsonb_each_text(p_catalog->'resources')
        ON CONFLICT (tenant_id, resource_type) DO UPDATE SET limit_value = excluded.limit_value, updated_at = now()
     WHERE row.limit_value IS DISTINCT FROM excluded.limit_value;
    RETURN ARRAY[format('INSERT INTO tenancy.tenants … %L', p_identifier),
                 format('INSERT INTO tenancy.tenant_resources … %L', p_identifier)];
EXCEPTION
WHEN foreign_key_violation THEN
    RAISE 'there is no plan %', quote_literal(left(p_catalog->>'plan', 260)) USING ERRCODE = 'TM009';
WHEN check_violation THEN
    RAISE 'a resource has no name, or one that is too long' USING ERRCODE = 'TM009';
WHEN unique_violation THEN
    RAISE 'another tenant has the domain %', quote_literal(left(p_catalog->>'domain', 260)) USING ERRCODE = 'TM014';
END $$;

CREATE OR REPLACE FUNCTION tenancy.set_catalog(p_epoch bigint, p_identifier text, p_catalog jsonb) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.locked(p_identifier, 'active');
    RETURN tenancy.write_catalog(p_identifier, p_catalog);
END $$;

CREATE OR REPLACE FUNCTION tenancy.valid_plan(p_plan jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(p_plan) IS DISTINCT FROM 'object'
       OR coalesce(p_plan->>'name', '') !~ '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$'
       OR coalesce(jsonb_typeof(p_plan->'uid'), 'null') NOT IN ('string', 'null')
       OR EXISTS (SELECT FROM unnest('{generation,max_users,max_storage_gb,max_api_calls}'::text[]) AS key
                   WHERE coalesce(jsonb_typeof(p_plan->key), 'null') NOT IN ('number', 'null'))
       OR (p_plan->>'max_users')::numeric NOT BETWEEN 0 AND 2147483647
       OR (p_plan->>'max_api_calls')::numeric NOT BETWEEN 0 AND 9223372036854775807
       OR coalesce(jsonb_typeof(p_plan->'features'), 'array') <> 'array'
       OR coalesce(jsonb_typeof(p_plan->'price'), 'null') NOT IN ('object', 'null')
       OR coalesce(jsonb_typeof(p_plan->'spec'), 'object') <> 'object' THEN
        RAISE 'the plan is not complete, or a value has the wrong type' USING ERRCODE = 'TM009';
    END IF;
EXCEPTION WHEN invalid_text_representation THEN
    RAISE 'the plan is not complete, or a value has the wrong type' USING ERRCODE = 'TM009';
END $$;

CREATE OR REPLACE FUNCTION tenancy.set_plan(p_epoch bigint, p_plan jsonb) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.valid_plan(p_plan);
    INSERT INTO tenancy.plans AS row
           (id, name, uid, generation, max_users, max_storage_gb, max_api_calls, features, price, spec)
    VALUES (p_plan->>'name', p_plan->>'name', p_plan->>'uid', (p_plan->>'generation')::bigint,
            (p_plan->>'max_users')::int, (p_plan->>'max_storage_gb')::numeric, (p_plan->>'max_api_calls')::bigint,
            coalesce(p_plan->'features', '[]'), nullif(p_plan->'price', 'null'), coalesce(p_plan->'spec', '{}'))
        ON CONFLICT (id) DO UPDATE SET uid = excluded.uid, generation = excluded.generation,
           max_users = excluded.max_users, max_storage_gb = excluded.max_storage_gb,
           max_api_calls = excluded.max_api_calls, features = excluded.features, price = excluded.price,
           spec = excluded.spec, updated_at = now();
    RETURN ARRAY[format('INSERT INTO tenancy.plans … %L', p_plan->>'name')];
END $$;

-- Tenants may still refer to a plan that was deleted in Kubernetes: then its row stays, and that is no error.
CREATE OR REPLACE FUNCTION tenancy.forget_plan(p_epoch bigint, p_name text) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.fence(p_epoch);
    DELETE FROM tenancy.plans WHERE id = p_name;
    RETURN CASE WHEN FOUND THEN ARRAY[format('DELETE FROM tenancy.plans WHERE id = %L', p_name)] ELSE '{}' END;
EXCEPTION WHEN foreign_key_violation THEN
    RETURN '{}';
END $$;

CREATE OR REPLACE FUNCTION tenancy.note(
    p_identifier text, p_generation bigint, p_outcome text, p_steps text[], p_statements text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO tenancy.history (identifier, generation, outcome, steps, statements)
    VALUES (p_identifier, p_generation, p_outcome, p_steps, p_statements);
END $$;

CREATE OR REPLACE FUNCTION tenancy.record(
    p_epoch bigint, p_identifier text, p_generation bigint, p_outcome text, p_steps text[], p_statements text[])
RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    PERFORM tenancy.fence(p_epoch), tenancy.valid(p_identifier);
    IF p_outcome IS NULL OR p_steps IS NULL OR p_statements IS NULL THEN
        RAISE 'outcome, steps and statements must be given' USING ERRCODE = 'TM009';
    END IF;
    PERFORM tenancy.note(p_identifier, p_generation, p_outcome, p_steps, p_statements);
    RETURN ARRAY[format('INSERT INTO tenancy.history … %L', p_identifier)];
END $$;

RESET ROLE;
