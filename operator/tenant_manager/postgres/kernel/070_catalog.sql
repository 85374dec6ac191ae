-- 070 The catalog that applications join: plans, tenants, tenant_resources. A tenant's login sees its own row, its own
-- plan and its own resources. And the history, which no tenant sees.

SET LOCAL ROLE tenancy_definer;

CREATE TABLE IF NOT EXISTS tenancy.plans (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    uid text,
    generation bigint,
    max_users int,
    max_storage_gb numeric,
    max_api_calls bigint,
    features jsonb NOT NULL DEFAULT '[]',
    price jsonb,
    spec jsonb NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS tenancy.tenants (
    id text COLLATE "C" PRIMARY KEY REFERENCES tenancy.registry ON DELETE CASCADE,
    name text NOT NULL,
    domain text,
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'retained')),
    plan_id text COLLATE "C" NOT NULL REFERENCES tenancy.plans,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    settings jsonb NOT NULL DEFAULT '{}',
    limits jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX IF NOT EXISTS tenants_domain ON tenancy.tenants (domain) WHERE domain IS NOT NULL;
CREATE INDEX IF NOT EXISTS tenants_plan ON tenancy.tenants (plan_id);

CREATE TABLE IF NOT EXISTS tenancy.tenant_resources (
    tenant_id text COLLATE "C" NOT NULL REFERENCES tenancy.tenants ON DELETE CASCADE,
    resource_type text NOT NULL CHECK (length(resource_type) BETWEEN 1 AND 253),
    used numeric NOT NULL DEFAULT 0,
    limit_value numeric,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, resource_type)
);

CREATE TABLE IF NOT EXISTS tenancy.history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    identifier text COLLATE "C" NOT NULL,
    generation bigint,
    outcome text NOT NULL,
    steps text[] NOT NULL,
    statements text[] NOT NULL
);
CREATE INDEX IF NOT EXISTS history_identifier ON tenancy.history (identifier, id);

-- Row security and its policies, made or put right only where they differ: changing one takes a lock that any tenant
-- could delay by reading the table in a long transaction.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT rel, policy, grantees, condition FROM (VALUES
            ('tenants', 'login', '{tenancy_tenant}'::name[], '(id = (CURRENT_USER)::text)'),
            ('tenant_resources', 'login', '{tenancy_tenant}', '(tenant_id = (CURRENT_USER)::text)'),
            ('plans', 'login', '{tenancy_tenant}', '(id IN ( SELECT tenants.plan_id
   FROM tenancy.tenants
  WHERE (tenants.id = (CURRENT_USER)::text)))'),
            ('tenants', 'kernel', '{tenancy_admin,tenancy_operator}', 'true'),
            ('tenant_resources', 'kernel', '{tenancy_admin,tenancy_operator}', 'true'),
            ('plans', 'kernel', '{tenancy_admin,tenancy_operator}', 'true')
        ) AS policies (rel, policy, grantees, condition)
    LOOP
        IF NOT (SELECT relrowsecurity FROM pg_class WHERE oid = format('tenancy.%I', wanted.rel)::regclass) THEN
            EXECUTE format('ALTER TABLE tenancy.%I ENABLE ROW LEVEL SECURITY', wanted.rel);
        END IF;
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_policies WHERE schemaname = 'tenancy' AND tablename = wanted.rel
               AND policyname = wanted.policy AND cmd = 'SELECT' AND permissive = 'PERMISSIVE'
               AND ARRAY(SELECT unnest(roles) ORDER BY 1) = wanted.grantees AND qual = wanted.condition);
        EXECUTE format('DROP POLICY IF EXISTS %1$I ON tenancy.%2$I;
                        CREATE POLICY %1$I ON tenancy.%2$I FOR SELECT TO %3$s USING (%4$s)', wanted.policy, wanted.rel,
                       array_to_string(wanted.grantees, ', '), wanted.condition);
    END LOOP;
    FOR wanted IN SELECT tablename AS rel, policyname AS policy FROM pg_policies
                   WHERE schemaname = 'tenancy' AND tablename IN ('tenants', 'tenant_resources', 'plans')
                     AND policyname NOT IN ('login', 'kernel') LOOP
        EXECUTE format('DROP POLICY %I ON tenancy.%I', wanted.policy, wanted.rel);  -- one more permits more
    END LOOP;
END $$;

RESET ROLE;
