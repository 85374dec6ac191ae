-- 011 Who may write: the leader's fence, and the same for administrators.

SET LOCAL ROLE tenancy_definer;

-- Every function for the operator begins with this. ROW SHARE keeps a take-over waiting until the transaction ends.
CREATE OR REPLACE FUNCTION tenancy.fence(p_epoch bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    present bigint;
    original boolean;
BEGIN
    LOCK TABLE tenancy.leader IN ROW SHARE MODE;
    SELECT epoch, database = (SELECT oid FROM pg_database WHERE datname = current_database()) INTO present, original
      FROM tenancy.leader;
    IF original IS NOT TRUE THEN
        RAISE 'this database is a copy' USING ERRCODE = 'TM011';
    END IF;
    IF present IS DISTINCT FROM p_epoch THEN
        RAISE 'epoch % is over, the leader is at %', p_epoch, present USING ERRCODE = 'TM001';
    END IF;
END $$;

-- For administrators, who lead nothing: only the copy is refused. The row lock that follows orders them with the
-- leader.
CREATE OR REPLACE FUNCTION tenancy.not_a_copy() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM tenancy.leader JOIN pg_database d ON d.oid = database
                    WHERE d.datname = current_database()) THEN
        RAISE 'this database is a copy' USING ERRCODE = 'TM011';
    END IF;
END $$;

-- The caller leads from now on; whoever led before can write nothing more. Times out behind a leader that sleeps in a
-- transaction: end_runs(), end one's own sleeping sessions, then again.
CREATE OR REPLACE FUNCTION tenancy.take_lead(p_holder text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    now_at bigint;
BEGIN
    LOCK TABLE tenancy.leader IN EXCLUSIVE MODE;
    PERFORM tenancy.not_a_copy();
    UPDATE tenancy.leader SET epoch = epoch + 1, holder = left(p_holder, 253) RETURNING epoch INTO now_at;
    RETURN now_at;
END $$;

-- Ends the migrator's sessions, which hold the fence. Called before the lead is taken, so it asks for no epoch.
CREATE OR REPLACE FUNCTION tenancy.end_runs() RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'tenancy_migrator'
$$;

RESET ROLE;
