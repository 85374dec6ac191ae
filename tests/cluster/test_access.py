"""`Suspended` leaves no session, whatever the client does; `Full` opens the login with the same password."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from tests.cluster import api, health
from tests.cluster.place import Place
from tests.cluster.waiting import throughout, until

CLIENTS = 6
HELD = 3  # sessions of each


@pytest.fixture
async def acme(place: Place) -> Place:
    place.plan()
    place.tenant()
    await place.ready()
    return place


async def suspend(place: Place) -> None:
    place.tenant(access="Suspended")
    there = await place.until("acme", lambda seen: health.reason(seen) == ("True", "Suspended"))
    assert health.kstatus(there) == "Current"


async def refused(place: Place) -> None:
    with pytest.raises(asyncpg.PostgresError, match="not permitted to log in"):
        await asyncpg.connect(place.secret()["uri"])


async def test_suspended_ends_sessions_and_lets_nobody_in(acme: Place) -> None:
    before = acme.stored_secret()
    async with acme.login() as session:
        await session.execute("CREATE TABLE kept AS SELECT 1 AS one")
        await suspend(acme)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await session.fetch("SELECT 1")
    await refused(acme)
    assert acme.stored_secret()["data"] == before["data"]
    row = await acme.database.row("SELECT * FROM tenancy.tenants WHERE id = $1", acme.identifier())
    assert row is not None
    assert row["status"] == "suspended"

    acme.tenant()
    await acme.ready()
    assert acme.secret()["password"] in acme.secret()["uri"]
    assert acme.stored_secret()["data"] == before["data"]
    async with acme.login() as session:
        assert await session.fetchval("SELECT one FROM kept") == 1
    assert [reason for reason, _ in acme.events()] == ["TenantCreated", "TenantSuspended", "TenantResumed"]


@asynccontextmanager
async def clients_in_a_loop(place: Place) -> AsyncIterator[list[int]]:
    """Clients that are always about to log in, and hold what they got. Yields how often each got in."""
    uri = place.secret()["uri"]
    logins = [0] * CLIENTS

    async def client(number: int) -> None:
        held: deque[asyncpg.Connection] = deque()
        try:
            while True:
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    held.append(await asyncpg.connect(uri))
                    logins[number] += 1
                if len(held) > HELD:
                    held.popleft().terminate()
        finally:
            for connection in held:
                connection.terminate()

    tasks = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    try:
        yield logins
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("attempt", range(5))  # a single try would often meet no client on its way in
async def test_no_session_of_a_client_that_reconnects_in_a_loop_survives(acme: Place, attempt: int) -> None:
    async with clients_in_a_loop(acme) as logins:
        await until(lambda: all(logins))
        await suspend(acme)
        assert await acme.database.sessions(acme.identifier()) == 0
        async with acme.database.superuser() as superuser:
            count = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1"
            for _ in range(20):
                assert await superuser.fetchval(count, acme.identifier()) == 0
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE CURRENT_USER PASSWORD 'taken-hostage'",
        "ALTER ROLE CURRENT_USER SET work_mem = '1MB'",
        "CREATE TABLE held (); LOCK TABLE held",
        "DROP OWNED BY CURRENT_USER",
        "SELECT pg_advisory_lock(1)",
    ],
)
async def test_a_session_that_holds_its_own_role_does_not_hold_the_suspension(acme: Place, statement: str) -> None:
    before = acme.secret()
    async with acme.login() as session:
        await session.execute(f"BEGIN; {statement}")
        await suspend(acme)
        assert await acme.database.sessions(acme.identifier()) == 0
    await refused(acme)
    acme.tenant()
    await acme.ready()
    assert acme.secret() == before


async def test_it_stays_closed_whatever_else_happens(acme: Place) -> None:
    before = acme.secret()
    await suspend(acme)
    acme.plan(limits={"connections": 9})
    await acme.until("acme", lambda seen: seen["status"]["plan"]["generation"] == 2)
    acme.api.send("DELETE", api.secrets(acme.namespace, "acme-connection"))
    await until(lambda: acme.api.find(api.secrets(acme.namespace, "acme-connection")))
    assert acme.secret()["password"] != before["password"]
    acme.tenant(access="Suspended", displayName="Acme")
    await acme.until("acme", lambda seen: health.reason(seen) == ("True", "Suspended"))
    await refused(acme)
    await acme.database.run(f"ALTER ROLE {acme.identifier()} LOGIN")
    login = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
    await until(lambda: closed(acme, login))
    acme.tenant()
    await acme.ready()


async def closed(place: Place, login: str) -> bool:
    return not await place.database.value(login, place.identifier())


async def test_limits_of_zero_connections_let_nobody_in(acme: Place) -> None:
    acme.tenant(limits={"connections": 0})
    await acme.until("acme", lambda seen: seen["status"]["limits"] == {"connections": 0})
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await asyncpg.connect(acme.secret()["uri"])
    acme.tenant()
    await acme.ready()
    await throughout(0.1, lambda: health.is_true(acme.seen() or {}, "Ready"))
