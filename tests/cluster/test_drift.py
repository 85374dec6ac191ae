"""What somebody changes in PostgreSQL or on the Secret is found, repaired, counted and told."""

import asyncio
import re

import pytest

from tests.cluster import api
from tests.cluster.api import Json
from tests.cluster.place import Place
from tests.cluster.waiting import until
from tests.servers.operator import OperatorProcess

SESSION = {"statementTimeoutSeconds": 10, "workMem": "2Mi"}

# What happens to {t}, and what is asked afterwards.
LIMIT = "SELECT rolconnlimit = 5 FROM pg_roles WHERE rolname = '{t}'"
OPEN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = '{t}'"
SETTINGS = """SELECT setconfig @> '{{statement_timeout=10s,work_mem=2048kB,"search_path={t}, extensions"}}'
                FROM pg_db_role_setting WHERE setrole = '{t}'::regrole AND setdatabase = 0"""
NO_SETTINGS_HERE = """SELECT NOT EXISTS (SELECT FROM pg_db_role_setting, unnest(setconfig) AS entry
                       WHERE setrole = '{t}'::regrole AND setdatabase <> 0 AND entry ~ '^(work_mem|search_path)=')"""
MEMBER = """SELECT inherit_option AND NOT set_option AND NOT admin_option FROM pg_auth_members
             WHERE roleid = 'tenancy_tenant'::regrole AND member = '{t}'::regrole"""
GRANTS = """SELECT count(*) FILTER (WHERE grantee = '{t}'::regrole) = 2 AND bool_and(NOT is_grantable)
                   AND bool_and(grantee IN ('{t}'::regrole, 'tenancy_definer'::regrole))
              FROM pg_namespace, aclexplode(nspacl) WHERE nspname = '{t}'"""
SCHEMA = "SELECT to_regnamespace('{t}') IS NOT NULL"
CATALOG = "SELECT count(*) = 1 FROM tenancy.tenants WHERE id = '{t}' AND name = 'acme' AND status = 'active'"
RESOURCES = """SELECT array_agg(limit_value) = '{{5}}' FROM tenancy.tenant_resources WHERE tenant_id = '{t}'"""

CASES = {
    "connection-limit": ("ALTER ROLE {t} CONNECTION LIMIT 99", LIMIT),
    "no-connection-limit": ("ALTER ROLE {t} CONNECTION LIMIT -1", LIMIT),
    "login-closed": ("ALTER ROLE {t} NOLOGIN", OPEN),
    "setting-changed": ("ALTER ROLE {t} SET statement_timeout = '1h'", SETTINGS),
    "setting-taken-away": ("ALTER ROLE {t} RESET work_mem", SETTINGS),
    "all-settings-taken-away": ("ALTER ROLE {t} RESET ALL", SETTINGS),
    "search-path-changed": ("ALTER ROLE {t} SET search_path = pg_catalog", SETTINGS),
    "setting-in-the-database": ("ALTER ROLE {t} IN DATABASE app SET work_mem = '64MB'", NO_SETTINGS_HERE),
    "search-path-in-the-database": ("ALTER ROLE {t} IN DATABASE app SET search_path = public", NO_SETTINGS_HERE),
    "membership-taken-away": ("REVOKE tenancy_tenant FROM {t} GRANTED BY {executor} CASCADE", MEMBER),
    "usage-revoked": ("REVOKE USAGE ON SCHEMA {t} FROM {t}", GRANTS),
    "create-revoked": ("REVOKE CREATE ON SCHEMA {t} FROM {t}", GRANTS),
    "usage-for-all": ("GRANT USAGE ON SCHEMA {t} TO PUBLIC", GRANTS),
    "create-for-another": ("GRANT CREATE ON SCHEMA {t} TO tenancy_app", GRANTS),
    "handed-on-with-grant-option": ("GRANT USAGE ON SCHEMA {t} TO {t} WITH GRANT OPTION", GRANTS),
    "schema-dropped": ("DROP SCHEMA {t} CASCADE", SCHEMA),
    "schema-renamed": ("ALTER SCHEMA {t} RENAME TO {t}_gone", SCHEMA),
    "login-dropped": ("DROP OWNED BY {t} CASCADE; DROP ROLE {t}", OPEN),
    "login-renamed": ("ALTER ROLE {t} RENAME TO {t}_gone", OPEN),
    "catalog-row-changed": (
        "UPDATE tenancy.tenants SET name = 'Mallory', status = 'suspended' WHERE id = '{t}'",
        CATALOG,
    ),
    "catalog-row-deleted": ("DELETE FROM tenancy.tenants WHERE id = '{t}'", CATALOG),
    "limit-changed": ("UPDATE tenancy.tenant_resources SET limit_value = 6 WHERE tenant_id = '{t}'", RESOURCES),
    "limit-deleted": ("DELETE FROM tenancy.tenant_resources WHERE tenant_id = '{t}'", RESOURCES),
}


@pytest.fixture
async def acme(place: Place) -> Place:
    place.plan(limits={"connections": 5}, session=SESSION)
    place.tenant()
    await place.ready()
    return place


def repaired(operator: OperatorProcess) -> dict[str, float]:
    """How often each step has set something right."""
    found = re.findall(r'^tenancy_drift_repaired_total{step="(\w+)"} (\S+)$', operator.get("/metrics")[1], re.MULTILINE)
    return {step: float(number) for step, number in found}


async def test_each_kind_is_found_repaired_counted_and_told(place: Place, operator: OperatorProcess) -> None:
    place.plan(limits={"connections": 5}, session=SESSION)
    for case in CASES:
        place.tenant(case, displayName="acme")
    counted = repaired(operator)
    done = await asyncio.gather(*(is_repaired(place, case) for case in CASES), return_exceptions=True)
    assert {case: outcome for case, outcome in zip(CASES, done, strict=True) if outcome is not None} == {}
    assert sum(repaired(operator).values()) - sum(counted.values()) >= len(CASES)


async def is_repaired(place: Place, case: str) -> None:
    broken, mended = CASES[case]
    await place.ready(case)
    name, before = place.identifier(case), place.secret(case)
    executor = await place.database.value("SELECT executor FROM tenancy.registry WHERE identifier = $1", name)
    async with place.login(case) as session:
        await session.execute("CREATE TABLE data AS SELECT 1 AS one")
    assert await place.database.value(mended.format(t=name)), "the question fits before"
    await place.database.run(broken.format(t=name, executor=f"tenancy_executor_{executor}"))
    await until(lambda: place.database.value(mended.format(t=name)))
    assert name in await place.event("DriftRepaired", case)
    await place.ready(case)
    if "dropped" not in case:
        async with place.login(case) as session:
            assert await session.fetchval("SELECT one FROM data") == 1
    assert place.secret(case) == before


async def test_several_at_once_are_one_repair(acme: Place) -> None:
    name = acme.identifier()
    await acme.database.run(
        f"DROP SCHEMA {name} CASCADE; ALTER ROLE {name} RESET ALL; ALTER ROLE {name} CONNECTION LIMIT 1"
    )
    await until(lambda: acme.database.value(SCHEMA.format(t=name)))
    told = await acme.event("DriftRepaired")
    assert all(step in told for step in ("MakeSchema", "SetSettings"))
    await acme.ready()
    assert [reason for reason, _ in acme.events()] == ["TenantCreated", "DriftRepaired"]


async def test_a_dropped_login_comes_back_with_its_password_and_its_data(acme: Place) -> None:
    before = acme.secret()
    name = acme.identifier()
    async with acme.login() as session:
        await session.execute("CREATE TABLE data AS SELECT 1 AS one")
    await acme.database.run(f"REASSIGN OWNED BY {name} TO postgres", f"DROP OWNED BY {name}", f"DROP ROLE {name}")
    await until(lambda: acme.database.value(OPEN.format(t=name)))
    await acme.ready()
    assert acme.secret() == before


async def test_what_the_operator_does_not_manage_is_not_touched(acme: Place) -> None:
    name = acme.identifier()
    await acme.database.run(
        f"CREATE TABLE {name}.foreign_table (a int); GRANT SELECT ON {name}.foreign_table TO tenancy_app",
        f"ALTER ROLE {name} SET timezone = 'Asia/Tokyo'; ALTER ROLE {name} IN DATABASE app SET datestyle = 'German'",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {name} IN SCHEMA {name} GRANT SELECT ON TABLES TO tenancy_app",
        f"ALTER ROLE {name} CONNECTION LIMIT 77",
    )
    await until(lambda: acme.database.value(LIMIT.format(t=name)))
    kept = """SELECT has_table_privilege('tenancy_app', '{t}.foreign_table', 'SELECT')
                 AND EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = '{t}'::regrole
                                AND 'TimeZone=Asia/Tokyo' = ANY(setconfig))
                 AND EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = '{t}'::regrole AND setdatabase <> 0)
                 AND EXISTS (SELECT FROM pg_default_acl WHERE defaclrole = '{t}'::regrole)"""
    assert await acme.database.value(kept.format(t=name))


async def test_a_password_that_the_tenant_changed_is_set_back(acme: Place) -> None:
    before = acme.secret()
    async with acme.login() as session:
        await session.execute("ALTER ROLE CURRENT_USER PASSWORD 'my own password'")
    assert acme.identifier() in await acme.event("PasswordReplaced")
    await acme.ready()
    assert acme.secret() == before


async def test_a_secret_that_was_deleted_comes_back_with_a_new_password(acme: Place) -> None:
    before = acme.secret()
    path = api.secrets(acme.namespace, "acme-connection")
    acme.api.send("DELETE", path)
    await until(lambda: acme.api.find(path))
    await acme.event("PasswordReplaced")
    await acme.ready()
    assert acme.secret()["password"] != before["password"]


EDITS: dict[str, tuple[Json, str]] = {
    "password": ({"stringData": {"password": "edited"}}, "PasswordReplaced"),
    "password-removed": ({"data": {"password": None}}, "PasswordReplaced"),
    "host": ({"stringData": {"host": "elsewhere"}}, "SecretRepaired"),
    "key-removed": ({"data": {"uri": None}}, "SecretRepaired"),
    "label-removed": ({"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}, "SecretRepaired"),
    "label-changed": ({"metadata": {"labels": {"team": "green"}}}, "SecretRepaired"),
}


async def test_a_secret_that_was_edited_is_written_again(place: Place, operator: OperatorProcess) -> None:
    place.plan()
    for edit in EDITS:
        place.tenant(edit, connectionSecret={"labels": {"team": "red"}})
    counted = repaired(operator).get("Secret", 0)
    done = await asyncio.gather(*(is_written_again(place, edit) for edit in EDITS), return_exceptions=True)
    assert {edit: outcome for edit, outcome in zip(EDITS, done, strict=True) if outcome is not None} == {}
    assert repaired(operator)["Secret"] - counted >= len(EDITS)


async def is_written_again(place: Place, edit: str) -> None:
    await place.ready(edit)
    before = place.stored_secret(edit)
    patch, reason = EDITS[edit]
    place.api.patch(api.secrets(place.namespace, f"{edit}-connection"), patch)
    await place.event(reason, edit)
    await place.ready(edit)
    after = place.stored_secret(edit)
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["data"].keys() == before["data"].keys()
    assert (after["data"] == before["data"]) == (reason == "SecretRepaired")


async def test_what_others_add_to_the_secret_is_theirs(acme: Place) -> None:
    path = api.secrets(acme.namespace, "acme-connection")
    theirs = {"metadata": {"labels": {"theirs": "1"}, "annotations": {"theirs": "2"}}, "stringData": {"extra": "3"}}
    acme.api.patch(path, theirs)
    acme.api.patch(path, {"stringData": {"host": "elsewhere"}})
    await acme.event("SecretRepaired")
    stored = acme.stored_secret()
    assert stored["metadata"]["labels"]["theirs"] == "1"
    assert stored["metadata"]["annotations"] == {"theirs": "2"}
    assert acme.secret()["extra"] == "3"
