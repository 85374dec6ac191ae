"""What deletion set aside, and what administrators do with it: look, hand over, drop for good."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import asyncpg

from tenant_manager.core.retention import BATCH
from tenant_manager.postgres.install import Refused

ROWS: Final = """
SELECT identifier, cluster, namespace, namespace_uid, name, state, released_to,
       abandoned_since IS NOT NULL AS abandoned,
       coalesce(abandoned_since, since) AS since,
       extract(epoch FROM now() - coalesce(abandoned_since, since))::float8 AS age
  FROM tenancy.registry
 WHERE cluster <> '(probe)' AND CASE WHEN $1::text IS NOT NULL THEN identifier = $1
       ELSE state = 'retained' OR abandoned_since IS NOT NULL OR released_to IS NOT NULL END
 ORDER BY coalesce(abandoned_since, since), identifier"""

# Through pg_depend, because pg_class has no index by schema; partitions, TOAST and indexes are counted with it.
SIZES: Final = """
SELECT n.nspname::text AS identifier, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS size
  FROM pg_namespace n
  LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass
                       AND d.refobjid = n.oid AND d.deptype = 'n'
  LEFT JOIN pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'm', 'S')
 WHERE n.nspname = ANY($1) AND n.nspowner = 'tenancy_definer'::regrole
 GROUP BY n.nspname"""

LEFTOVERS: Final = """
SELECT role, identifier, since, extract(epoch FROM now() - since)::float8 AS age, reason, tries
  FROM tenancy.leftovers ORDER BY since, role"""
CLUSTERS: Final = """
SELECT DISTINCT cluster FROM tenancy.registry WHERE state = $1 AND cluster <> '(probe)' ORDER BY cluster"""


@dataclass(frozen=True, slots=True)
class Row:
    """A tenant that no Tenant object stands for, as the registry knows it."""

    identifier: str
    cluster: str
    namespace: str
    namespace_uid: str
    name: str
    state: str
    released_to: str | None  # namespace/name that may take it
    abandoned: bool
    since: datetime
    age: float  # seconds since then, by the server's clock
    size: int | None = None  # bytes; None: the schema is gone, or somebody holds a lock on a table in it

    @property
    def owner(self) -> str:
        """Whose it was, for people."""
        return f"{self.cluster}/{self.namespace}/{self.name}"

    def same_as(self, other: "Row | None") -> bool:
        """Whether nothing happened to it between two looks."""
        return other is not None and replace(self, age=0, size=None) == replace(other, age=0, size=None)


@dataclass(frozen=True, slots=True)
class Leftover:
    """A role that could not be dropped with its tenant."""

    role: str
    identifier: str
    since: datetime
    age: float  # seconds since then, by the server's clock
    reason: str
    tries: int


@dataclass(frozen=True, slots=True)
class Aside:
    """All that is set aside; every row stands in one of the lists."""

    retained: tuple[Row, ...]
    abandoned: tuple[Row, ...]  # active, and the operator found no Tenant
    rebound: tuple[Row, ...]  # active, and given back to its namespace and name, which have not taken it yet
    leftovers: tuple[Leftover, ...]


async def everything(connection: asyncpg.Connection) -> Aside:
    """What is set aside, oldest first."""
    rows = await _rows(connection, None)
    active = [row for row in rows if row.state == "active"]
    return Aside(
        retained=tuple(row for row in rows if row.state == "retained"),
        abandoned=tuple(row for row in active if row.abandoned),
        rebound=tuple(row for row in active if not row.abandoned),
        leftovers=tuple([Leftover(**row) for row in await connection.fetch(LEFTOVERS)]),
    )


async def find(connection: asyncpg.Connection, identifier: str) -> Row | None:
    """The row of this identifier, whatever its state."""
    rows = await _rows(connection, identifier)
    return rows[0] if rows else None


async def retained(connection: asyncpg.Connection, identifier: str) -> Row:
    """The row of what is retained under this identifier.

    Raises:
        Refused: the identifier is unknown, or in use.
    """
    row = await find(connection, identifier)
    if row is None:
        raise Refused(f"{identifier} is not known here. See what is retained with: tenant-manager retained")
    tenant = f"Tenant {row.namespace}/{row.name} of cluster {row.cluster}"
    if row.abandoned:
        raise Refused(
            f"{identifier} is abandoned, not retained: {tenant} is gone, and the login is still open. Apply that "
            "Tenant again, then delete it."
        )
    if row.state != "retained":
        raise Refused(
            f"{identifier} is in use by {tenant}. Only what was retained can be released or purged: delete that Tenant "
            "first."
        )
    return row


async def clusters(connection: asyncpg.Connection, state: str) -> list[str]:
    """Clusters that have rows of this state."""
    return [row["cluster"] for row in await connection.fetch(CLUSTERS, state)]


async def release(connection: asyncpg.Connection, identifier: str, namespace: str, name: str) -> None:
    """Let the Tenant namespace/name, of whatever cluster, take what is retained."""
    await connection.execute("SELECT tenancy.release($1, $2, $3)", identifier, namespace, name)


async def release_cluster(connection: asyncpg.Connection, cluster: str) -> int:
    """Release all that is retained for a cluster, each to its own namespace and name; how many."""
    return int(await connection.fetchval("SELECT tenancy.release_cluster($1)", cluster))


async def rebind(connection: asyncpg.Connection, cluster: str) -> int:
    """Let all that is active for a cluster be taken by its own namespace and name, made again; how many."""
    return int(await connection.fetchval("SELECT tenancy.rebind($1)", cluster))


async def purge(connection: asyncpg.Connection, identifier: str) -> tuple[str, ...]:
    """Drop what is retained for good; a sentence for each thing that could not be dropped.

    A schema with many relations is emptied first, in transactions of its own: it is retained until the last one.
    """
    left = await connection.fetchval("SELECT tenancy.purge_tables($1, 0)", identifier)
    while left > BATCH:
        left = await connection.fetchval("SELECT tenancy.purge_tables($1, $2)", identifier, BATCH)
    return tuple(await connection.fetchval("SELECT leftovers FROM tenancy.purge($1)", identifier))


async def _rows(connection: asyncpg.Connection, identifier: str | None) -> list[Row]:
    rows = [Row(**row) for row in await connection.fetch(ROWS, identifier)]
    sizes = await _sizes(connection, [row.identifier for row in rows])
    return [replace(row, size=sizes.get(row.identifier)) for row in rows]


async def _sizes(connection: asyncpg.Connection, identifiers: Sequence[str]) -> dict[str, int]:
    """By identifier. An abandoned tenant can still log in and lock its tables: it must not hide the others."""
    try:
        return await _measured(connection, identifiers, "1s")
    except asyncpg.LockNotAvailableError:
        found: dict[str, int] = {}
        for identifier in identifiers:
            try:
                found |= await _measured(connection, [identifier], "100ms")
            except asyncpg.LockNotAvailableError:
                continue
        return found


async def _measured(connection: asyncpg.Connection, identifiers: Sequence[str], patience: str) -> dict[str, int]:
    async with connection.transaction(readonly=True):
        await connection.execute("SELECT set_config('lock_timeout', $1, true)", patience)
        return {row["identifier"]: row["size"] for row in await connection.fetch(SIZES, identifiers)}
