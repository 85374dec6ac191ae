-- 010 What the kernel remembers. All of it belongs to tenancy_definer; only the functions below write to it.
--
-- Codes that the functions raise:
--   TM001 the epoch is over: another operator took the lead     TM008 the schema was dropped or replaced
--   TM002 the identifier is not allowed                         TM009 an argument is not allowed
--   TM003 a role or schema of the name exists and is not ours   TM010 the identifier is taken, or retained
--   TM004 no such tenant, in the state that is needed           TM011 this database is a copy
--   TM005 the role has power that no tenant may have            TM012 the identifier belongs to another owner
--   TM006 not the form of a verifier                            TM014 another tenant has the domain
--   TM007 the role was dropped or replaced                      TM020 bootstrap is refused, for the reason it gives

SET LOCAL ROLE tenancy_definer;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;  -- 900 says who may call what

-- DROP OWNED BY a role that row-security policies name would remove these policies, for all tenants, and who inherits
-- from the role may say it. It fails on a table on which the role has a column privilege and no table privilege.
-- Never grant any of these roles anything on the whole of this table. It comes before every policy, so that the
-- statement meets it first and waits for no lock.
CREATE TABLE IF NOT EXISTS tenancy.tripwire (x int);
GRANT SELECT (x) ON tenancy.tripwire
   TO tenancy_tenant, tenancy_app, tenancy_migrator, tenancy_owner, tenancy_operator, tenancy_admin;

-- One row: which version of these files was installed last.
CREATE TABLE IF NOT EXISTS tenancy.kernel (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version int NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT now()
);

-- One row: who leads. Every take-over raises the epoch; `database` tells a copy from the original.
CREATE TABLE IF NOT EXISTS tenancy.leader (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL,
    holder text,
    database oid NOT NULL
);

-- A schema and a role are ours when their identifier stands here and the comments of both carry the row's claim.
-- An owner is (cluster, namespace, namespace_uid, name). The row is also the tenant's lock.
CREATE TABLE IF NOT EXISTS tenancy.registry (
    identifier text COLLATE "C" PRIMARY KEY,
    claim uuid NOT NULL DEFAULT gen_random_uuid(),
    cluster text NOT NULL,
    namespace text NOT NULL,
    namespace_uid text NOT NULL,
    name text NOT NULL,
    executor int NOT NULL CHECK (executor BETWEEN 0 AND 63),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retained')),
    since timestamptz NOT NULL DEFAULT now(),
    released_to text,
    abandoned_since timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- What is kept of a verifier: enough to tell whether a password fits, not enough to log in.
CREATE TABLE IF NOT EXISTS tenancy.logins (
    name text COLLATE "C" PRIMARY KEY,
    identifier text COLLATE "C" NOT NULL REFERENCES tenancy.registry ON DELETE CASCADE,
    slot text NOT NULL,
    iterations int NOT NULL,
    salt text NOT NULL,
    digest bytea NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS logins_of_tenant ON tenancy.logins (identifier, slot);

-- Roles of dropped tenants that could not be dropped. They have no login.
CREATE TABLE IF NOT EXISTS tenancy.leftovers (
    role text COLLATE "C" PRIMARY KEY,
    identifier text COLLATE "C" NOT NULL,
    executor int NOT NULL,
    claim uuid NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL,
    tries int NOT NULL DEFAULT 1
);

DO $$
DECLARE
    found int;
BEGIN
    LOCK TABLE tenancy.kernel IN EXCLUSIVE MODE;  -- two bootstraps at once: one after the other
    SELECT version INTO found FROM tenancy.kernel;
    IF found > current_setting('tenancy.version')::int THEN
        RAISE 'The kernel in this database has version %, newer than % of this program. Use a program that is at '
            'least as new.', found, current_setting('tenancy.version') USING ERRCODE = 'TM020';
    END IF;
    INSERT INTO tenancy.kernel (version) VALUES (current_setting('tenancy.version')::int)
        ON CONFLICT (only_row) DO UPDATE SET version = excluded.version, installed_at = now();
END $$;

-- A copy on the same server would reach the original's logins, because roles are shared.
DO $$
DECLARE
    own oid := (SELECT oid FROM pg_database WHERE datname = current_database());
    holder text;
BEGIN
    INSERT INTO tenancy.leader (epoch, database) VALUES (0, own) ON CONFLICT DO NOTHING;
    IF EXISTS (SELECT FROM tenancy.leader WHERE database = own) THEN
        RETURN;
    END IF;
    SELECT d.datname INTO holder FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
     WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = 'tenancy_definer'::regrole AND s.deptype = 'o'
       AND d.oid <> own LIMIT 1;
    IF holder IS NOT NULL THEN
        RAISE 'DatabaseCopied: this database is a copy, and database % on the same server still uses the same roles: '
            'work here would change the logins there. Drop one of the two, or move the copy to another server.', holder
            USING ERRCODE = 'TM020';
    ELSIF NOT current_setting('tenancy.moved')::boolean THEN
        RAISE 'DatabaseCopied: this database was copied, restored or moved. If it replaces the original, and the '
            'original is gone for good, bootstrap it again with --moved.' USING ERRCODE = 'TM020';
    END IF;
    UPDATE tenancy.leader SET database = own;
END $$;

RESET ROLE;
