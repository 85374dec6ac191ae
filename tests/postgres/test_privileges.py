"""Who may call and read what: exactly what the DBA reads in 900_privileges.sql, also after an upgrade."""

import pytest

from tenant_manager.postgres.install import install
from tests.postgres.installation import Installation, Kernel, connected
from tests.postgres.test_fence import calls

OPERATOR = {*calls("x"), "take_lead", "end_runs"}
ADMINISTRATORS = {"release", "release_cluster", "rebind", "purge", "purge_tables"}
READS = {
    "tenancy_operator": {
        *("registry", "logins", "leftovers", "leader", "kernel", "history", "plans", "tenants", "tenant_resources"),
    },
    "tenancy_admin": {
        *("registry", "leftovers", "leader", "kernel", "history", "plans", "tenants", "tenant_resources"),
    },
    "tenancy_tenant": {"plans", "tenants", "tenant_resources"},
    "tenancy_app": set[str](),
    "tenancy_migrator": set[str](),
    "tenancy_owner": set[str](),
}
EXECUTES = """
SELECT array_agg(DISTINCT proname::text) FROM pg_proc
 WHERE pronamespace = 'tenancy'::regnamespace AND has_function_privilege($1, oid, 'EXECUTE')"""
TABLES = """
SELECT array_agg(relname::text) FROM pg_class
 WHERE relnamespace = 'tenancy'::regnamespace AND relkind IN ('r', 'S', 'v') AND has_table_privilege($1, oid, $2)"""
WRITES = "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
ROLES = [*READS, "public"]
SORTED = "(SELECT jsonb_agg(entry::text ORDER BY entry::text) FROM unnest({}) AS entry)"
STATE = """
SELECT jsonb_build_object(
    'functions', (SELECT jsonb_object_agg(oid::regprocedure, {proacl}) FROM pg_proc
                   WHERE pronamespace = 'tenancy'::regnamespace),
    'relations', (SELECT jsonb_object_agg(relname, {relations}) FROM pg_class
                   WHERE relnamespace = 'tenancy'::regnamespace),
    'schemas', (SELECT jsonb_object_agg(nspname, {nspacl}) FROM pg_namespace
                 WHERE nspname IN ('tenancy', 'extensions', 'public')),
    'database', (SELECT {datacl} FROM pg_database WHERE datname = current_database()),
    'tripwire', (SELECT {attacl} FROM pg_attribute WHERE attrelid = 'tenancy.tripwire'::regclass AND attname = 'x'),
    'members', (SELECT jsonb_agg(ARRAY[roleid::regrole::text, member::regrole::text, grantor::regrole::text,
                       admin_option::text, inherit_option::text, set_option::text] ORDER BY roleid, member, grantor)
                  FROM pg_auth_members WHERE roleid::regrole::text ~ '^tenancy_'
                   AND member::regrole::text !~ '^tenant_'),
    'roles', (SELECT jsonb_agg(to_jsonb(r) - 'rolpassword' ORDER BY rolname) FROM pg_roles r
               WHERE rolname ~ '^tenancy_'),
    'policies', (SELECT jsonb_agg(to_jsonb(p) ORDER BY tablename, policyname) FROM pg_policies p),
    'code', (SELECT md5(string_agg(pg_get_functiondef(oid), '' ORDER BY oid::regprocedure::text)) FROM pg_proc
              WHERE pronamespace = 'tenancy'::regnamespace))::text""".format(
    relations=SORTED.format("coalesce(relacl, acldefault('r', relowner))"),
    **{column: SORTED.format(column) for column in ("proacl", "nspacl", "datacl", "attacl")},
)


@pytest.mark.parametrize("role", ROLES)
async def test_who_executes_what(installation: Installation, role: str) -> None:
    wanted = {"tenancy_operator": set(OPERATOR), "tenancy_admin": set(ADMINISTRATORS)}.get(role, set())
    if role == "tenancy_operator" and installation.administrator == "superuser":
        wanted.add("changed_passwords")
    assert set(await installation.value(EXECUTES, role) or []) == wanted


@pytest.mark.parametrize("role", READS)
async def test_who_reads_what_and_writes_nothing(installation: Installation, role: str) -> None:
    assert set(await installation.value(TABLES, role, "SELECT") or []) == READS[role]
    assert await installation.value(TABLES, role, WRITES) is None


async def test_every_function_is_pinned(installation: Installation) -> None:
    """A function with rights and a search_path of the caller's would run the caller's code."""
    query = """SELECT array_agg(proname::text) FROM pg_proc WHERE pronamespace = 'tenancy'::regnamespace
                  AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY(proconfig), false)"""
    assert await installation.value(query) is None


async def test_no_function_belongs_to_a_superuser_or_waits_for_ever(installation: Installation) -> None:
    query = """SELECT array_agg(proname::text || ' ' || rolname) FROM pg_proc JOIN pg_roles r ON r.oid = proowner
                WHERE pronamespace = 'tenancy'::regnamespace AND (rolsuper OR rolname !~ '^tenancy_')"""
    assert await installation.value(query) is None
    query = """SELECT array_agg(proname::text) FROM pg_proc WHERE pronamespace = 'tenancy'::regnamespace AND prosecdef
                  AND proname NOT IN ('fence', 'end_runs', 'changed_passwords')
                  AND NOT array_to_string(proconfig, ' ') ~ 'lock_timeout=[12]s'"""
    assert await installation.value(query) is None


async def test_each_door_belongs_to_its_executor(installation: Installation) -> None:
    query = """SELECT count(*) FROM pg_proc WHERE proname ~ '^role_[0-9]+$' AND prosecdef
                  AND pg_get_userbyid(proowner) = replace(proname, 'role_', 'tenancy_executor_')"""
    assert await installation.value(query) == 64
    query = """SELECT count(*) FROM pg_auth_members WHERE roleid = 'tenancy_tenant'::regrole AND admin_option
                  AND NOT inherit_option AND NOT set_option AND member::regrole::text ~ '^tenancy_executor_'"""
    assert await installation.value(query) == 64


async def test_the_administrator_inherits_nothing(installation: Installation) -> None:
    query = """SELECT count(*) FROM pg_auth_members WHERE roleid::regrole::text ~ '^tenancy_(definer|executor)'
                  AND inherit_option"""
    assert await installation.value(query) == 0


async def test_a_second_bootstrap_changes_nothing(kernel: Kernel, installation: Installation) -> None:
    tenant = await kernel.create()
    before = await installation.value(STATE)
    rows = "SELECT jsonb_agg(t) FROM tenancy.{} t"
    kept = [await installation.value(rows.format(table)) for table in ("registry", "leader", "history", "plans")]
    async with connected(installation.url) as connection:
        await install(connection)
    assert await installation.value(STATE) == before
    assert [await installation.value(rows.format(t)) for t in ("registry", "leader", "history", "plans")] == kept
    await kernel.call("close_login", tenant.identifier)  # the operator's session and epoch go on


async def test_an_upgrade_takes_back_what_is_no_longer_granted(installation: Installation) -> None:
    """As after an older version, or after a person who meant well."""
    before = await installation.value(STATE)
    await installation.sql(
        "GRANT EXECUTE ON FUNCTION tenancy.purge, tenancy.run TO tenancy_operator, PUBLIC",
        "REVOKE EXECUTE ON FUNCTION tenancy.retain FROM tenancy_operator",
        "GRANT ALL ON tenancy.registry, tenancy.leader, tenancy.tripwire TO tenancy_operator, tenancy_tenant",
        "GRANT SELECT (digest) ON tenancy.logins TO tenancy_tenant",
        "GRANT CREATE ON SCHEMA tenancy, extensions, public TO PUBLIC, tenancy_tenant",
        "GRANT TEMP, CREATE ON DATABASE tenants TO PUBLIC, tenancy_tenant",
        "ALTER ROLE tenancy_operator NOLOGIN CREATEROLE; ALTER ROLE tenancy_executor_7 NOCREATEROLE",
        "CREATE OR REPLACE FUNCTION tenancy.fence(p_epoch bigint) RETURNS void LANGUAGE sql AS ''",
        "DROP FUNCTION tenancy.take_lead; UPDATE tenancy.kernel SET version = 0",
        "ALTER ROLE tenancy_operator RESET ALL",
    )
    assert await installation.value(STATE) != before
    async with connected(installation.url) as connection:
        promises = await install(connection)
    assert await installation.value(STATE) == before
    assert all(promise.held for promise in promises[:5])
    assert await installation.value("SELECT version FROM tenancy.kernel") == 1
    settings = (
        "SELECT array_agg(c ORDER BY c) FROM pg_db_role_setting, unnest(setconfig) c WHERE setrole = $1::text::regrole"
    )
    assert set(await installation.value(settings, "tenancy_operator")) >= {
        "idle_in_transaction_session_timeout=5s",
        "lock_timeout=2s",
        "search_path=pg_catalog",
        "statement_timeout=60s",
    }
