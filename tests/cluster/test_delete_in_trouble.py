"""Deletions that meet something odd: what is gone counts as done, what resists does not hold them."""

from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from tests.cluster import api, health
from tests.cluster.place import Place
from tests.cluster.test_delete import POLICIES, is_as_the_policy_says, made, secret_is_there
from tests.cluster.waiting import throughout, until
from tests.servers.operator import OperatorProcess


@pytest.mark.parametrize("policy", POLICIES)
async def test_the_secret_is_already_gone(place: Place, policy: str) -> None:
    await made(place, policy)
    place.api.send("DELETE", api.secrets(place.namespace, "acme-connection"))
    place.delete()
    await place.gone()
    await is_as_the_policy_says(place, policy)
    assert not secret_is_there(place)


@pytest.mark.parametrize("policy", POLICIES)
async def test_the_schema_is_already_gone(place: Place, policy: str) -> None:
    await made(place, policy)
    place.annotate("acme", paused="true")  # else it is made again before the deletion
    await place.until("acme", lambda seen: health.is_true(seen, "Paused"))
    await place.database.run(f"DROP SCHEMA {place.identifier()} CASCADE")
    place.delete()
    place.annotate("acme", paused=None)
    await place.gone()
    assert await place.database.exists(place.identifier()) == (False, policy == "Retain")


@pytest.mark.parametrize("policy", POLICIES)
async def test_the_login_is_already_gone(place: Place, policy: str) -> None:
    await made(place, policy)
    place.annotate("acme", paused="true")
    await place.until("acme", lambda seen: health.is_true(seen, "Paused"))
    await place.database.run(f"DROP OWNED BY {place.identifier()} CASCADE", f"DROP ROLE {place.identifier()}")
    place.delete()
    place.annotate("acme", paused=None)
    await place.gone()
    assert await place.database.exists(place.identifier()) == (policy == "Retain", False)


async def test_what_was_retained_without_its_schema_and_login_comes_back_whole(place: Place) -> None:
    await made(place, "Retain")
    place.delete()
    await place.gone()
    name = place.identifier()
    await place.database.run(f"DROP SCHEMA {name} CASCADE", f"DROP OWNED BY {name} CASCADE", f"DROP ROLE {name}")
    place.tenant()
    await place.ready()


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_tenant_that_never_became_ready(place: Place, policy: str) -> None:
    place.tenant("no-plan", plan="missing", deletionPolicy=policy)
    await place.not_ready("PlanNotFound", "no-plan")
    place.plan()
    place.tenant("too-large", deletionPolicy=policy, settings={"large": "x" * 17_000})
    await place.not_ready("SettingsTooLarge", "too-large")
    for name in ("no-plan", "too-large"):
        place.delete(name)
        await place.gone(name)
        assert await place.database.exists(place.identifier(name)) == (False, False)


@pytest.mark.parametrize("policy", POLICIES)
async def test_deleted_before_it_was_looked_at(place: Place, policy: str) -> None:
    place.plan()
    for number in range(5):
        place.tenant(f"quick-{number}", deletionPolicy=policy)
        place.delete(f"quick-{number}")
    for number in range(5):
        await place.gone(f"quick-{number}")
        identifier = place.identifier(f"quick-{number}")
        state = await place.database.value("SELECT state FROM tenancy.registry WHERE identifier = $1", identifier)
        assert state in {None, "retained" if policy == "Retain" else None}
        assert await place.database.exists(identifier) == (state is not None, state is not None)


@pytest.mark.parametrize("policy", POLICIES)
async def test_the_tenant_holds_open_transactions(place: Place, policy: str) -> None:
    await made(place, policy)
    async with AsyncExitStack() as stack:
        for statement in (
            "LOCK TABLE kept IN ACCESS EXCLUSIVE MODE",
            "ALTER ROLE CURRENT_USER SET work_mem = '1MB'",
            "SELECT count(*) FROM tenancy.tenants, tenancy.tenant_resources",
        ):
            session = await stack.enter_async_context(place.login())
            await session.execute(f"BEGIN; {statement}")
        place.delete()
        await place.gone()
    await is_as_the_policy_says(place, policy)


async def test_a_neighbour_in_a_transaction_that_touched_the_tables(place: Place) -> None:
    await made(place, "Delete")
    await made(place, "Delete", "neighbour")
    async with place.login() as session:
        await session.execute(f"GRANT USAGE ON SCHEMA {place.identifier()} TO PUBLIC; GRANT SELECT ON kept TO PUBLIC")
    async with place.login("neighbour") as session:
        await session.execute("BEGIN; SELECT count(*) FROM tenancy.tenants")
        place.delete()
        await place.gone()
    await is_as_the_policy_says(place, "Delete")


async def test_what_resists_is_left_without_login_and_is_dropped_later(place: Place, operator: OperatorProcess) -> None:
    await made(place, "Delete")
    role, large = place.identifier(), 4242
    database = f"elsewhere_{uuid4().hex[:6]}"
    await place.database.run(f"CREATE DATABASE {database}")
    elsewhere = place.database.elsewhere(database)
    await elsewhere.run(f"SELECT lo_create({large})", f"ALTER LARGE OBJECT {large} OWNER TO {role}")
    place.delete()
    await place.gone()
    await is_as_the_policy_says(place, "Delete")
    message = await place.event("LeftBehind")
    assert f"The role {role} could not be dropped" in message
    shelf = await place.database.row("SELECT * FROM tenancy.leftovers WHERE identifier = $1", role)
    assert shelf is not None
    assert shelf["role"].startswith(f"{role}__x")
    assert shelf["role"] in message
    login = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
    assert await place.database.value(login, shelf["role"]) is False
    await until(lambda: "tenancy_leftover_roles 1.0" in operator.get("/metrics")[1])

    place.tenant()  # the name is free
    await place.ready()
    await elsewhere.run(f"SELECT lo_unlink({large})")
    gone = "SELECT to_regrole($1) IS NULL AND NOT EXISTS (SELECT FROM tenancy.leftovers)"
    await until(lambda: place.database.value(gone, shelf["role"]))
    await until(lambda: "tenancy_leftover_roles 0.0" in operator.get("/metrics")[1])


async def test_a_strangers_grant_does_not_hold_the_deletion(place: Place) -> None:
    await made(place, "Delete")
    stranger = f"stranger_{uuid4().hex[:6]}"
    await place.database.run(
        f"CREATE ROLE {stranger}",
        f"CREATE SCHEMA {stranger} AUTHORIZATION {stranger}",
        f"GRANT USAGE ON SCHEMA {stranger} TO {place.identifier()}",
    )
    place.delete()
    await place.gone()
    await is_as_the_policy_says(place, "Delete")
    assert stranger in await place.event("LeftBehind")
    await place.database.run(f"DROP SCHEMA {stranger}", f"DROP ROLE {stranger}")
    await until(lambda: place.database.value("SELECT NOT EXISTS (SELECT FROM tenancy.leftovers)"))


async def test_a_paused_tenant_is_not_deleted_until_it_is_let_go(place: Place) -> None:
    await made(place, "Delete")
    place.annotate("acme", paused="true")
    await place.until("acme", lambda seen: health.is_true(seen, "Paused"))
    place.delete()
    await until(lambda: "deletionTimestamp" in (place.seen() or {}).get("metadata", {}))
    await throughout(1.0, lambda: place.seen() is not None)
    assert await place.database.exists(place.identifier()) == (True, True)
    place.annotate("acme", paused=None)
    await place.gone()
    await is_as_the_policy_says(place, "Delete")


async def test_a_namespace_is_deleted_as_a_whole(place: Place) -> None:
    await made(place, "Delete", "drop")
    await made(place, "Retain", "keep")
    place.tenant("waits", plan="missing")
    await place.not_ready("PlanNotFound", "waits")
    place.leave()
    gone = f"/api/v1/namespaces/{place.namespace}"
    await until(lambda: place.api.find(gone) is None, seconds=30)
    assert await place.database.exists(place.identifier("drop")) == (False, False)
    assert await place.database.exists(place.identifier("keep")) == (True, True)
    assert await place.database.sessions(place.identifier("keep")) == 0
