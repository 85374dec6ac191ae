-- 063 A tenant for the last step of bootstrap, which logs in as it at the address that Secrets will carry. Called by
-- the administrator after SET ROLE tenancy_definer; granted to nobody. It takes no lead, so a running operator goes on.

SET LOCAL ROLE tenancy_definer;

CREATE OR REPLACE FUNCTION tenancy.make_probe(p_identifier text, p_verifier text) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
BEGIN
    PERFORM tenancy.not_a_copy(), tenancy.valid_verifier(p_verifier);
    tenant := tenancy.register(p_identifier, '(probe)', 'probe', 'probe', 'probe');  -- no cluster may have this name
    PERFORM tenancy.remember(p_identifier, p_identifier, 'a', p_verifier);
    RETURN tenancy.role(tenant.executor, 'create', p_identifier, p_verifier, 3, '{}')
        || tenancy.run(tenancy.schema_statements(p_identifier, tenant.claim, true))
        || tenancy.role(tenant.executor, 'join', p_identifier);
END $$;

-- The probe, and those that an interrupted bootstrap left behind. What could not be dropped comes back as sentences.
CREATE OR REPLACE FUNCTION tenancy.drop_probes(p_identifier text) RETURNS text[]
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    tenant tenancy.registry;
    left_behind text[] := '{}';
BEGIN
    PERFORM tenancy.not_a_copy();
    FOR tenant IN SELECT * FROM tenancy.registry WHERE cluster = '(probe)'
                     AND (identifier = p_identifier OR created_at < now() - interval '10 minutes') FOR UPDATE LOOP
        left_behind := left_behind || (SELECT leftovers FROM tenancy.drop_all(tenant));
    END LOOP;
    RETURN left_behind;
END $$;

RESET ROLE;
