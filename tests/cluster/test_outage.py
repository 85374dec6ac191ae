"""PostgreSQL away, read-only, full, or wrong: the operator waits, says so, and recovers by itself."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import asyncpg
import pytest

from tenant_manager.api import reasons
from tests.cluster import health
from tests.cluster.audit import Audit
from tests.cluster.log import lines
from tests.cluster.place import Place
from tests.cluster.test_process import metrics
from tests.cluster.waiting import throughout, until
from tests.servers.operator import OperatorProcess

UP = 'tenancy_database_up{database="default"}'
WRITES = """SET default_transaction_read_only = off;
            ALTER SYSTEM RESET default_transaction_read_only;
            SELECT pg_reload_conf();"""
TOLD = 25.0  # seconds: ten of outage pass before Tenants are told, and each is a write


@pytest.fixture(autouse=True)
def up_again(place: Place) -> Iterator[None]:
    """The server runs and takes writes for the next test, whatever became of this one."""
    yield
    place.database.server.start()
    place.database.server.sql(WRITES)


def not_ready_for(operator: OperatorProcess, words: str) -> bool:
    status, text = operator.get("/readyz")
    return status == 503 and words in text


async def recovered(operator: OperatorProcess) -> None:
    await until(operator.is_ready)
    await until(lambda: metrics(operator)[UP] == 1)


async def test_down_later(place: Place, operator: OperatorProcess, audit: Audit) -> None:
    """One story, since an outage takes its time."""
    server, said = place.database.server, operator.log.stat().st_size
    place.plan()
    for name in ("stays", "edited", "dropped", "let-go"):
        place.tenant(name, deletionPolicy="Delete")
    await asyncio.gather(*(place.ready(name) for name in ("stays", "edited", "dropped", "let-go")))
    before = {name: place.secret(name) for name in ("stays", "edited", "let-go")}

    server.stop()
    await until(lambda: not_ready_for(operator, "DatabaseUnreachable"))
    assert operator.get("/healthz")[0] == 200
    assert '"database": "disconnected"' in operator.get("/health")[1]
    assert metrics(operator)[UP] == 0
    place.tenant("new", deletionPolicy="Delete")
    place.tenant("edited", deletionPolicy="Delete", displayName="Edited")
    place.delete("dropped")
    place.delete("let-go")
    await says_so(place)
    place.annotate("let-go", abandon="true")
    await place.gone("let-go")
    await place.event("TenantAbandoned", "let-go")

    server.start()
    await recovered(operator)
    await asyncio.gather(place.gone("dropped"), *(place.ready(name) for name in ("stays", "edited", "new")))
    assert await place.database.exists(place.identifier("dropped")) == (False, False)
    assert {name: place.secret(name) for name in ("stays", "edited")} == {n: before[n] for n in ("stays", "edited")}
    told = [line["msg"] for line in lines(operator.log, said) if line["logger"] == "tenant_manager"]
    assert told.count("the database cannot be used") == told.count("the database is usable") == 1
    await abandoned(place, operator, before["let-go"])


async def says_so(place: Place) -> None:
    """What Tenants show while the database is away."""
    unreachable = reasons.DATABASE_UNREACHABLE
    for name in ("new", "edited", "stays"):
        message = await place.not_ready("DatabaseUnreachable", name, TOLD)
        assert unreachable.advice in message
        assert health.kstatus(place.seen(name) or {}) == "InProgress"
    await until(lambda: health.reason(place.seen("dropped") or {}) == ("False", "DeletionWaits"), TOLD)
    message = health.condition(place.seen("dropped") or {}, "Ready")["message"]
    assert "To let the object go without the database" in message
    assert "tenancy.neostack.io/abandon=true" in message


async def abandoned(place: Place, operator: OperatorProcess, secret: dict[str, str]) -> None:
    """The scan finds it and leaves it as it is; a second apply takes it up again."""
    row = "SELECT state = 'active' AND abandoned_since IS NOT NULL FROM tenancy.registry WHERE identifier = $1"
    await until(lambda: place.database.value(row, place.identifier("let-go")))
    await until(lambda: metrics(operator)["tenancy_abandoned_tenants"] == 1)
    assert await place.database.exists(place.identifier("let-go")) == (True, True)
    said = [line for line in lines(operator.log) if line["msg"] == "a tenant has no object any more"]
    assert [line["identifier"] for line in said if line["namespace"] == place.namespace] == [place.identifier("let-go")]
    place.tenant("let-go", deletionPolicy="Delete")
    await place.ready("let-go")
    assert place.secret("let-go")["user"] == secret["user"]
    await until(lambda: metrics(operator)["tenancy_abandoned_tenants"] == 0)


async def test_a_short_one_is_not_told_to_the_tenants(place: Place, operator: OperatorProcess, audit: Audit) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    await until(lambda: (place.plan_seen() or {}).get("status", {}).get("tenants", {}).get("current") == 1)
    place.annotate("acme", reconcile_requested_at="now")  # after which nothing is due for some seconds
    before = await place.until("acme", lambda seen: seen["status"].get("lastHandledReconcileAt") == "now")
    mark, said = audit.mark(), operator.log.stat().st_size
    place.database.server.crash()
    place.database.server.start()
    await until(operator.is_ready)
    await until(lambda: [line for line in lines(operator.log, said) if line.get("namespace") == place.namespace])
    assert [asked for asked in audit.since(mark) if asked.stored and asked.namespace == place.namespace] == []
    assert place.seen() == before
    await place.ready()


async def test_down_at_start(place: Place, operator: OperatorProcess) -> None:
    operator.stop()
    place.database.server.stop()
    operator.start(wait=False)
    await until(lambda: operator.get("/healthz")[0] == 200)
    await until(lambda: not_ready_for(operator, "DatabaseUnreachable"))
    place.plan()
    place.tenant()
    await throughout(1.0, lambda: not operator.is_ready())
    place.database.server.start()
    await recovered(operator)
    await place.ready()


async def test_read_only(place: Place, operator: OperatorProcess) -> None:
    place.plan()
    place.tenant("before")
    await place.ready("before")
    await place.database.run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    place.tenant("meanwhile")
    assert reasons.DATABASE_READ_ONLY.advice in await place.not_ready("DatabaseReadOnly", "meanwhile")
    await until(lambda: not_ready_for(operator, "DatabaseReadOnly"))
    async with place.login("before") as session:
        assert await session.fetchval("SELECT 1") == 1
    place.database.server.sql(WRITES)
    await recovered(operator)
    await place.ready("meanwhile")


async def test_out_of_connections_later(place: Place, operator: OperatorProcess) -> None:
    place.plan()
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenancy_operator'"
    await place.database.run("ALTER ROLE tenancy_operator CONNECTION LIMIT 0", end)
    await until(lambda: not_ready_for(operator, "TooManyConnections"))
    place.tenant()
    assert reasons.TOO_MANY_CONNECTIONS.advice in await place.not_ready("TooManyConnections")
    await place.database.run("ALTER ROLE tenancy_operator CONNECTION LIMIT -1")
    await recovered(operator)
    await place.ready()


async def hog_all(url: str, limit: int) -> list[asyncpg.Connection]:
    """As many sessions as the server takes."""
    hogs = []
    with suppress(asyncpg.TooManyConnectionsError):
        for _ in range(limit):
            hogs.append(await asyncpg.connect(url))  # noqa: PERF401  # what was opened before the refusal counts
    return hogs


async def test_out_of_connections_at_start(place: Place, operator: OperatorProcess) -> None:
    operator.stop()
    server = place.database.server
    await place.database.run("CREATE ROLE hog LOGIN PASSWORD 'hog'")
    limit = int(await place.database.value("SHOW max_connections"))
    hogs = await hog_all(server.url("hog", "hog"), limit)
    try:
        operator.start(wait=False)
        await until(lambda: not_ready_for(operator, "TooManyConnections"))
    finally:
        for connection in hogs:
            await connection.close()
    await recovered(operator)
    await place.database.run("DROP ROLE hog")
