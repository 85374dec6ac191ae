"""What the demo shows when all Tenants are Ready: the login works, sees nothing of others, and is healed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from . import database
from .cluster import Cluster, Connection, Found
from .place import Trouble

WORK = (
    "CREATE TABLE IF NOT EXISTS notes (id int GENERATED ALWAYS AS IDENTITY, text text, at timestamptz DEFAULT now())",
    "INSERT INTO notes (text) VALUES ('hello from {name}')",
)
READ = "SELECT id, text FROM notes ORDER BY id DESC LIMIT 1"
WHERE = "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'notes'::regclass"
HEALED = "DriftRepaired"
TIME_TO_HEAL = 60.0  # seconds; usually as long as the operator's scan, of SCAN_SECONDS, is away
POLL = 0.1


@dataclass(frozen=True)
class Broken:
    """How a login was broken."""

    statement: str
    what: str


def work_as(connection: Connection) -> list[str]:
    """Make a table, insert a row, read it: the statements and what came of them."""

    async def work(session: asyncpg.Connection) -> list[str]:
        insert = WORK[1].format(name=connection.identifier)
        await session.execute(WORK[0])
        await session.execute(insert)
        row = await session.fetchrow(READ)
        place = await session.fetchval(WHERE)
        if row is None or place != connection.identifier:
            raise Trouble(f"The table of {connection.identifier} is in the schema {place}.")
        short = WORK[0].replace("IF NOT EXISTS ", "").partition(" (")[0]
        return [f"{short} (…)  -- in schema {place}", insert, f"{READ}  -- {row['id']} | {row['text']}"]

    return database.run(connection.uri, work)


def refused_as(other: Connection, owner: Connection) -> list[str]:
    """Try to read the table of `owner` as `other`: the statement and PostgreSQL's answer.

    Raises:
        Trouble: it can be read.
    """
    statement = f"SELECT * FROM {owner.identifier}.notes"  # noqa: S608  # an identifier holds letters, digits and _

    async def work(session: asyncpg.Connection) -> str:
        try:
            await session.fetch(statement)
        except asyncpg.InsufficientPrivilegeError as error:
            return str(error)
        raise Trouble(f"{other.identifier} can read the table of {owner.identifier}.")

    return [f"{statement}  -- ERROR: {database.run(other.uri, work)}"]


def break_login(superuser_url: str, name: str) -> Broken:
    """Drop the login; one that owns something meanwhile is only closed, for what it owns would be lost with it."""
    drop = f'REVOKE ALL ON SCHEMA "{name}" FROM "{name}"; DROP ROLE "{name}"'
    close = f'ALTER ROLE "{name}" NOLOGIN'

    async def work(session: asyncpg.Connection) -> Broken:
        try:
            async with session.transaction():
                await session.execute(drop)
        except asyncpg.DependentObjectsStillExistError:
            await session.execute(close)
            return Broken(close, "closed")
        return Broken(drop, "dropped")

    return database.run(superuser_url, work)


def until_healed(cluster: Cluster, tenant: Found, connection: Connection, told: set[str]) -> tuple[float, str]:
    """Seconds until the Secret's URI logs in again, and the Event about it, which is not among `told`.

    Raises:
        Trouble: it takes too long.
    """
    started = time.monotonic()
    _poll(lambda: _logs_in(connection), f"The login {connection.identifier} was not healed")
    seconds = time.monotonic() - started
    messages: list[str] = []

    def new_event() -> bool:
        events = cluster.events(tenant, HEALED)
        messages.extend(events[name] for name in events.keys() - told)
        return bool(messages)

    _poll(new_event, f"There is no Event {HEALED} about the Tenant {tenant.name}")
    return seconds, messages[0]


def _logs_in(connection: Connection) -> bool:
    async def work(session: asyncpg.Connection) -> bool:
        return bool(await session.fetchval("SELECT current_user = $1", connection.identifier))

    try:
        return database.run(connection.uri, work)
    except asyncpg.PostgresError:
        return False


def _poll(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + TIME_TO_HEAL
    while not holds():
        if time.monotonic() > deadline:
            raise Trouble(f"{otherwise} within {TIME_TO_HEAL:.0f} seconds.")
        time.sleep(POLL)
