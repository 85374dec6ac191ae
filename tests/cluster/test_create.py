"""From `kubectl apply` to a login that works."""

import asyncio
import json
from uuid import uuid4

import asyncpg
import pytest

from tests.cluster.audit import Audit
from tests.cluster.place import Place
from tests.cluster.waiting import never, until

LIMITS = {
    "users": 7,
    "storage": "10Gi",
    "apiCalls": {"limit": 1000, "period": "Day"},
    "connections": 2,
    "additional": [{"name": "projects", "limit": 5}],
}
SESSION = {
    "statementTimeoutSeconds": 31,
    "idleInTransactionSessionTimeoutSeconds": 32,
    "idleSessionTimeoutSeconds": 33,
    "lockTimeoutSeconds": 34,
    "workMem": "5Mi",
}


async def test_a_tenant_works_in_its_schema_and_sees_no_other(place: Place) -> None:
    place.plan()
    place.tenant("acme")
    place.tenant("globex")
    await asyncio.gather(place.ready("acme"), place.ready("globex"))
    async with place.login("acme") as acme, place.login("globex") as globex:
        await acme.execute("CREATE TABLE notes (text text); INSERT INTO notes VALUES ('hello')")
        assert await acme.fetchval("SELECT text FROM notes") == "hello"
        with pytest.raises(asyncpg.UndefinedTableError):
            await globex.fetch("SELECT * FROM notes")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for schema"):
            await globex.fetch(f"SELECT * FROM {place.identifier('acme')}.notes")


async def test_a_wrong_password_does_not_log_in(place: Place) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    secret = place.secret()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(secret["uri"].replace(secret["password"], "x" * 32))


async def test_what_the_plan_says_is_in_force_in_a_session(place: Place) -> None:
    place.plan(limits=LIMITS, session=SESSION)
    place.tenant()
    await place.ready()
    names = ["statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "lock_timeout"]
    async with place.login() as one, place.login():
        shown = [await one.fetchval(f"SHOW {name}") for name in [*names, "work_mem", "search_path"]]
        assert shown == ["31s", "32s", "33s", "34s", "5MB", f"{place.identifier()}, extensions"]
        with pytest.raises(asyncpg.TooManyConnectionsError, match="too many connections for role"):
            async with place.login():
                pass


async def test_a_plan_that_says_nothing_leaves_the_servers_settings(place: Place) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    async with place.login() as session:
        shown = [await session.fetchval(f"SHOW {name}") for name in ("statement_timeout", "work_mem")]
    assert shown == ["0", "4MB"]
    assert await place.database.value("SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", place.identifier()) == -1


async def test_the_catalog_has_what_the_objects_say(place: Place) -> None:
    price = {"amount": "49.90", "currency": "EUR", "period": "Month"}
    place.plan(limits=LIMITS, features=["sso", "export"], price=price)
    domain = f"{place.namespace}.example.com"
    place.tenant(displayName="Acme & Söhne", domain=domain, settings={"theme": "dark", "deep": {"n": [1, None]}})
    await place.ready()
    async with place.login() as session:  # a tenant may read what is its own
        row = await session.fetchrow("SELECT * FROM tenancy.tenants")
        plan = await session.fetchrow("SELECT * FROM tenancy.plans")
        limits = await session.fetch("SELECT resource_type, limit_value FROM tenancy.tenant_resources")
    assert row is not None
    assert plan is not None
    assert (row["id"], row["name"], row["domain"]) == (place.identifier(), "Acme & Söhne", domain)
    assert (row["status"], row["plan_id"]) == ("active", place.plan_name())
    assert json.loads(row["settings"]) == {"theme": "dark", "deep": {"n": [1, None]}}
    assert json.loads(row["limits"]) == LIMITS
    assert (plan["name"], plan["max_users"], plan["max_api_calls"]) == (place.plan_name(), 7, 1000)
    assert float(plan["max_storage_gb"]) == pytest.approx(10 * 1024**3 / 10**9)
    assert (json.loads(plan["features"]), json.loads(plan["price"])) == (["sso", "export"], price)
    assert dict(map(tuple, limits)) == {
        "users": 7,
        "storage": 10 * 1024**3,
        "api_calls": 1000,
        "connections": 2,
        "projects": 5,
    }


async def test_without_a_display_name_the_catalog_has_the_tenants_name(place: Place) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    assert await place.database.value("SELECT name FROM tenancy.tenants WHERE id = $1", place.identifier()) == "acme"


async def test_a_plain_name_gives_the_identifier(place: Place) -> None:
    name = f"plain-{uuid4().hex[:6]}"
    place.plan()
    place.tenant(name, identifier=None)
    there = await place.ready(name)
    assert there["status"]["identifier"] == place.secret(name)["user"] == "tenant_" + name.replace("-", "_")


async def test_history_says_what_was_done_and_holds_no_verifier(place: Place) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    row = await place.database.row("SELECT * FROM tenancy.history WHERE identifier = $1", place.identifier())
    assert row is not None
    assert (row["outcome"], row["steps"], row["generation"]) == ("created", ["CreateTenant"], 1)
    said = "\n".join(row["statements"])
    assert "CREATE ROLE" in said
    assert "PASSWORD 'SCRAM-SHA-256$<masked>'" in said


async def test_a_new_tenant_takes_three_writes_and_one_event(place: Place, audit: Audit) -> None:
    place.plan()
    names = [f"new-{number}" for number in range(5)]
    for name in names:
        place.tenant(name)
    await asyncio.gather(*(place.ready(name) for name in names))
    await until(lambda: all(place.events(name) for name in names))
    for_tenants = [asked for asked in audit.since() if asked.namespace == place.namespace and asked.stored]
    expected = {("patch", "tenants"), ("patch", "secrets"), ("patch", "tenants/status"), ("create", "events")}
    assert {(asked.verb, asked.resource) for asked in for_tenants} == expected
    assert len(for_tenants) == 4 * len(names)
    assert [place.events(name)[0][0] for name in names] == ["TenantCreated"] * len(names)


async def test_nothing_is_written_while_nothing_changes(place: Place, audit: Audit) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    await until(lambda: ((place.plan_seen() or {}).get("status") or {}).get("tenants", {}).get("current") == 1)
    mark = audit.mark()
    checked = {("patch", "secrets")}
    await until(lambda: checked <= {(a.verb, a.resource) for a in audit.since(mark) if a.namespace == place.namespace})
    mine = (place.namespace, "")
    await never(1.5, lambda: [a for a in audit.since(mark) if a.stored and a.namespace in mine])


async def test_a_tenant_that_begins_suspended_has_a_secret_and_no_login(place: Place) -> None:
    place.plan()
    place.tenant(access="Suspended")
    there = await place.ready()
    assert [item["reason"] for item in there["status"]["conditions"] if item["type"] == "Ready"] == ["Suspended"]
    with pytest.raises(asyncpg.PostgresError, match="not permitted to log in"):
        await asyncpg.connect(place.secret()["uri"])
    place.tenant()
    await place.ready()
