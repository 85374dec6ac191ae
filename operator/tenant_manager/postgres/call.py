"""Calls of kernel functions: in order, in one transaction; and what a failure means to a person."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from tenant_manager.api import reasons
from tenant_manager.api.reasons import Reason
from tenant_manager.core.stopped import Stopped
from tenant_manager.postgres.databases import Database


@dataclass(frozen=True, slots=True)
class Call:
    """One kernel function with its arguments; $1 is always the epoch."""

    sql: str
    args: tuple[Any, ...] = ()

    @property
    def function(self) -> str:
        """The kernel function's name."""
        return self.sql.partition("tenancy.")[2].partition("(")[0]


@dataclass(frozen=True, slots=True)
class Done:
    """What a transaction did."""

    statements: tuple[str, ...] = ()  # that the kernel ran, verifiers masked
    leftovers: tuple[str, ...] = ()  # what could not be dropped, a sentence each


MEANING: dict[str, Reason] = {  # the kernel's own codes begin with TM; kernel/010_registry.sql lists them
    "TM001": reasons.NOT_THE_LEADER,
    "TM002": reasons.INVALID_SPEC,
    "TM003": reasons.NOT_OWNED,
    "TM005": reasons.DANGEROUS_ROLE,
    "TM007": reasons.REPLACED,
    "TM008": reasons.REPLACED,
    "TM010": reasons.IDENTIFIER_TAKEN,
    "TM011": reasons.DATABASE_COPIED,
    "TM012": reasons.RETAINED_DATA_EXISTS,
    "TM014": reasons.DOMAIN_TAKEN,
    "25006": reasons.DATABASE_READ_ONLY,  # read_only_sql_transaction: a standby
    "28000": reasons.LOGIN_REFUSED,  # invalid_authorization_specification: pg_hba.conf
    "28P01": reasons.LOGIN_REFUSED,  # invalid_password
    "3D000": reasons.DATABASE_UNREACHABLE,  # invalid_catalog_name
    "3F000": reasons.KERNEL_MISSING,  # invalid_schema_name
    "42P01": reasons.KERNEL_MISSING,  # undefined_table
    "42501": reasons.KERNEL_MISSING,  # insufficient_privilege: not what bootstrap granted
    "42883": reasons.KERNEL_OUTDATED,  # undefined_function
    "53300": reasons.TOO_MANY_CONNECTIONS,
    "55P03": reasons.DATABASE_BUSY,  # lock_not_available
    "57014": reasons.DATABASE_BUSY,  # query_canceled: statement_timeout
    "40P01": reasons.DATABASE_BUSY,  # deadlock_detected
    "53100": reasons.DATABASE_UNREACHABLE,  # disk_full
    "53200": reasons.DATABASE_BUSY,  # out_of_memory: the lock table
    "57P01": reasons.DATABASE_UNREACHABLE,  # admin_shutdown
    "57P02": reasons.DATABASE_UNREACHABLE,  # crash_shutdown
    "57P03": reasons.DATABASE_UNREACHABLE,  # cannot_connect_now
}


@contextmanager
def meaning() -> Iterator[None]:
    """Turns what the driver raises into what a person can act on; what has no meaning is a bug and passes through.

    Raises:
        Stopped: with the server's message, which the kernel writes for people and without secrets, and what to do.
    """
    try:
        yield
    except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        reason = reasons.DATABASE_UNREACHABLE
        raise Stopped(reason, f"{unreachable(error)} {reason.advice}") from error
    except asyncpg.PostgresError as error:
        if (known := MEANING.get(str(error.sqlstate))) is None:
            raise
        said = str(error)
        raise Stopped(known, f"{said[:1].upper()}{said[1:].rstrip('.')}. {known.advice}") from error


def unreachable(error: Exception) -> str:
    """A driver's error in a sentence."""
    if isinstance(error, asyncio.TimeoutError | TimeoutError):
        return "PostgreSQL does not answer in time."
    return f"PostgreSQL does not answer: {str(error).rstrip('.') or repr(error)}."


async def run(database: Database, calls: Sequence[Call], last: Callable[[Done], Call] | None = None) -> Done:
    """Make the calls in order, in one transaction; a single call is its own transaction and one round trip.

    `last` makes one more call of what the others did.

    Raises:
        Stopped: the kernel refused, or the connection broke. Lost during COMMIT,
            the calls may stand; the next pass observes again.
    """
    with meaning():
        async with database.connection() as connection:
            if len(calls) == 1 and last is None:
                return await _make(database, connection, calls[0])
            async with connection.transaction():
                done = _joined([await _make(database, connection, call) for call in calls])
                if last is not None:
                    await _make(database, connection, last(done))
                return done


async def _make(database: Database, connection: PoolConnectionProxy, call: Call) -> Done:
    started = perf_counter()
    row = await connection.fetchrow(call.sql, database.epoch, *call.args)
    database.measure(call.function, perf_counter() - started)
    statements = row["statements"] if row and "statements" in row else None
    leftovers = row["leftovers"] if row and "leftovers" in row else None
    return Done(tuple(statements or ()), tuple(leftovers or ()))


def _joined(parts: Sequence[Done]) -> Done:
    return Done(
        tuple(statement for part in parts for statement in part.statements),
        tuple(leftover for part in parts for leftover in part.leftovers),
    )
