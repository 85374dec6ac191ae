"""Deleting a Tenant: `Retain` sets aside in place and gives back, `Delete` leaves nothing and touches nothing else."""

import asyncio

import asyncpg
import pytest

from tests.cluster import api
from tests.cluster.audit import Audit
from tests.cluster.place import Place
from tests.cluster.waiting import until

POLICIES = ["Retain", "Delete"]
COLLECTED = 45.0  # seconds: the garbage collector takes up to 30 to learn of a new CRD
REGISTERED = "SELECT state FROM tenancy.registry WHERE identifier = $1"


async def made(place: Place, policy: str, name: str = "acme") -> None:
    """A Ready Tenant with a row in a table."""
    place.plan()
    place.tenant(name, deletionPolicy=policy)
    await place.ready(name)
    async with place.login(name) as session:
        await session.execute("CREATE TABLE kept AS SELECT 'data' AS text")


async def is_as_the_policy_says(place: Place, policy: str, name: str = "acme") -> None:
    identifier = place.identifier(name)
    keep = policy == "Retain"
    assert await place.database.exists(identifier) == (keep, keep)
    assert await place.database.value(REGISTERED, identifier) == ("retained" if keep else None)
    assert await place.database.sessions(identifier) == 0
    assert await place.event("TenantRetained" if keep else "TenantDropped", name)


def secret_is_there(place: Place) -> bool:
    return place.api.find(api.secrets(place.namespace, "acme-connection")) is not None


async def test_retain_keeps_the_data_and_closes_the_login(place: Place) -> None:
    domain = f"{place.namespace}.example.com"
    await made(place, "Retain")
    place.tenant(domain=domain)
    await place.ready()
    secret = place.secret()
    async with place.login() as session:
        place.delete()
        await place.gone()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await session.fetch("SELECT 1")
    await is_as_the_policy_says(place, "Retain")
    with pytest.raises(asyncpg.PostgresError, match="not permitted to log in"):
        await asyncpg.connect(secret["uri"])
    assert place.secret() == secret
    assert await place.database.value(f"SELECT text FROM {place.identifier()}.kept") == "data"
    row = await place.database.row("SELECT status, domain FROM tenancy.tenants WHERE id = $1", place.identifier())
    assert row == {"status": "retained", "domain": None}
    members = "SELECT count(*) FROM pg_auth_members WHERE member = $1::regrole"
    assert await place.database.value(members, place.identifier()) == 0


async def test_a_second_apply_gives_the_data_back_with_the_same_password(place: Place) -> None:
    await made(place, "Retain")
    secret = place.secret()
    for number in (1, 2):
        place.delete()
        await place.gone()
        place.tenant()
        await place.ready()
        assert place.secret() == secret
        async with place.login() as session:
            assert await session.fetchval("SELECT text FROM kept") == "data"
        await place.event("TenantRestored", count=number)
    assert "PasswordReplaced" not in dict(place.events())


async def test_without_the_secret_the_data_comes_back_with_a_new_password(place: Place) -> None:
    await made(place, "Retain")
    before = place.secret()
    place.delete()
    await place.gone()
    place.api.send("DELETE", api.secrets(place.namespace, "acme-connection"))
    place.tenant()
    await place.ready()
    assert place.secret()["password"] != before["password"]
    assert "acme-connection" in await place.event("PasswordReplaced")
    async with place.login() as session:
        assert await session.fetchval("SELECT text FROM kept") == "data"


async def test_retained_data_comes_back_closed_to_a_tenant_that_is_suspended(place: Place) -> None:
    await made(place, "Retain")
    place.delete()
    await place.gone()
    place.tenant(access="Suspended")
    await place.ready()
    with pytest.raises(asyncpg.PostgresError, match="not permitted to log in"):
        await asyncpg.connect(place.secret()["uri"])
    place.tenant()
    await place.ready()


async def test_delete_leaves_nothing_and_touches_nothing_else(place: Place) -> None:
    await made(place, "Delete")
    await made(place, "Delete", "neighbour")
    async with place.login() as session:
        await session.execute(
            "CREATE VIEW shown AS TABLE kept; CREATE TYPE kind AS ENUM ('a'); CREATE SEQUENCE numbers"
        )
        await session.execute("CREATE FUNCTION one() RETURNS int RETURN 1; CREATE PROCEDURE nothing() BEGIN ATOMIC END")
        await session.execute(f"GRANT USAGE ON TYPE kind TO {place.identifier('neighbour')}")
    async with place.login("neighbour") as session:
        await session.execute(f"GRANT SELECT ON kept TO {place.identifier()}")
    place.delete()
    await place.gone()
    await is_as_the_policy_says(place, "Delete")
    for table, column in (("tenants", "id"), ("tenant_resources", "tenant_id"), ("logins", "identifier")):
        count = f"SELECT count(*) FROM tenancy.{table} WHERE {column} = $1"
        assert await place.database.value(count, place.identifier()) == 0
    await until(lambda: not secret_is_there(place), COLLECTED)
    async with place.login("neighbour") as session:
        assert await session.fetchval("SELECT text FROM kept") == "data"
    assert [reason for reason, _ in place.events("neighbour")] == ["TenantCreated"]


async def test_after_delete_the_name_begins_anew(place: Place) -> None:
    await made(place, "Delete")
    place.delete()
    await place.gone()
    place.tenant(deletionPolicy="Delete")
    await place.ready()
    async with place.login() as session:
        assert await session.fetchval("SELECT to_regclass('kept')") is None


async def test_a_schema_with_more_tables_than_one_transaction_can_drop(place: Place) -> None:
    await made(place, "Delete")
    loop = (
        "DO $$ BEGIN FOR n IN 1..1100 LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY)', n); END LOOP; END $$"
    )
    async with place.login() as session:
        await session.execute(loop)
    place.delete()
    await place.gone(seconds=60)
    await is_as_the_policy_says(place, "Delete")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("propagation", ["Foreground", "Background", "Orphan"])
async def test_every_propagation(place: Place, policy: str, propagation: str) -> None:
    await made(place, policy)
    place.delete(propagation=propagation)
    await place.gone(seconds=COLLECTED)
    await is_as_the_policy_says(place, policy)
    if policy == "Retain":
        assert secret_is_there(place)
    elif propagation != "Orphan":  # the garbage collector orphans only what it knows of by then
        await until(lambda: not secret_is_there(place), COLLECTED)


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_deletion_writes_only_what_it_must(place: Place, audit: Audit, policy: str) -> None:
    await made(place, policy)
    mark = audit.mark()
    place.delete()
    await place.gone()
    await is_as_the_policy_says(place, policy)
    wrote = [(a.verb, a.resource) for a in audit.since(mark) if a.stored and a.namespace == place.namespace]
    assert sorted(wrote) == [("create", "events"), ("patch", "tenants")]


async def test_finalizers_of_others_are_left_to_them(place: Place) -> None:
    await made(place, "Delete")
    path = api.tenants(place.namespace, "acme")
    finalizers = place.api.get(path)["metadata"]["finalizers"]
    place.api.patch(path, {"metadata": {"finalizers": [*finalizers, "example.com/theirs"]}})
    place.delete()
    held = await until(
        lambda: (seen := place.seen()) and seen["metadata"]["finalizers"] == ["example.com/theirs"] and seen
    )
    assert await place.database.exists(place.identifier()) == (False, False)
    assert held["metadata"]["deletionTimestamp"]
    place.api.patch(path, {"metadata": {"finalizers": None}})
    await place.gone()


async def test_many_at_once(place: Place) -> None:
    place.plan()
    names = [f"many-{number}" for number in range(10)]
    for name in names:
        place.tenant(name, deletionPolicy="Delete")
    await asyncio.gather(*(place.ready(name) for name in names[::3]))
    place.api.send("DELETE", api.tenants(place.namespace))
    await asyncio.gather(*(place.gone(name) for name in names))
    for name in names:
        assert await place.database.exists(place.identifier(name)) == (False, False)
