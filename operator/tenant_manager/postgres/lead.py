"""Coming into office: connecting as tenancy_operator, the kernel's version, and the lead, which is taken once."""

from contextlib import suppress
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from tenant_manager.api import reasons
from tenant_manager.api.reasons import Reason
from tenant_manager.core.credentials import Credentials
from tenant_manager.core.stopped import Stopped
from tenant_manager.postgres import install
from tenant_manager.postgres.call import meaning
from tenant_manager.postgres.databases import CONNECT_TIMEOUT, Database

OPERATOR: Final = "tenancy_operator"
TRIES: Final = 3  # at the lead, behind sessions of the last operator that have to end first

LEADER = """
SELECT epoch, database = (SELECT oid FROM pg_database WHERE datname = current_database()) AS original,
       to_regprocedure('tenancy.changed_passwords()') IS NOT NULL AS audited
  FROM tenancy.leader"""
END_SLEEPERS = """
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
 WHERE relation = 'tenancy.leader'::regclass AND usename = current_user AND pid <> pg_backend_pid()"""


async def become_operator(url: str, fresh: Credentials) -> str:
    """The URL to work with: always as tenancy_operator, also where `url` has more rights.

    With more rights the database is bootstrapped and tenancy_operator gets `fresh`'s password; an own connection,
    not SET SESSION AUTHORIZATION, which one RESET would undo.

    Raises:
        Stopped: the database cannot be used now.
        install.Refused: it cannot be bootstrapped.
    """
    with meaning():
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT)
        try:
            if await connection.fetchval("SELECT current_user") == OPERATOR:
                return url
            await install.install(connection)
            await install.set_operator_verifier(connection, fresh.verifier())
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT)
    return with_login(url, OPERATOR, fresh.password)


def with_login(url: str, user: str, password: str) -> str:
    """The same server and database, another login."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{place}"))


async def take_office(database: Database, holder: str) -> None:
    """Connect, check the kernel, and take the lead; on a later connection, check that it is still ours.

    Raises:
        Stopped: the database cannot be used now, or somebody else has the lead (NOT_THE_LEADER).
    """
    with meaning():
        pool = await database.open()
        await _check_kernel(pool)
        leader = await pool.fetchrow(LEADER)
        if leader is None or not leader["original"]:
            raise _stopped(reasons.DATABASE_COPIED, "This database is a copy of the one that was bootstrapped.")
        database.audited = leader["audited"]
        if database.epoch == 0:
            database.epoch = await _take_lead(pool, holder)
        elif database.epoch != leader["epoch"]:
            raise fenced(database.epoch, leader["epoch"])


async def check_lead(database: Database) -> None:
    """Ask whether the database answers and the lead is still ours.

    Raises:
        Stopped: the database cannot be used now, or somebody else has the lead (NOT_THE_LEADER).
    """
    if database.pool is None:
        raise AssertionError("no office was taken yet")
    with meaning():
        leader = await database.pool.fetchrow(LEADER, timeout=CONNECT_TIMEOUT)
        read_only = await database.pool.fetchval(
            "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool"
        )
    if leader is None or not leader["original"]:
        raise _stopped(reasons.DATABASE_COPIED, "This database is a copy of the one that was bootstrapped.")
    if leader["epoch"] != database.epoch:
        raise fenced(database.epoch, leader["epoch"])
    if read_only:
        raise _stopped(reasons.DATABASE_READ_ONLY, "PostgreSQL takes no writes.")


async def is_refused(database: Database, user: str, password: str) -> bool:
    """Whether the server refuses this password of this user; what else keeps a login out tells nothing of it."""
    try:
        connection = await asyncpg.connect(with_login(database.url, user, password), timeout=CONNECT_TIMEOUT)
    except asyncpg.InvalidPasswordError:
        return True
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    await connection.close(timeout=CONNECT_TIMEOUT)
    return False


def fenced(epoch: int, leader: int) -> Stopped:
    """Another operator works here now."""
    return Stopped(reasons.NOT_THE_LEADER, f"The lead of epoch {epoch} is over; another operator has epoch {leader}.")


def _stopped(reason: Reason, what: str) -> Stopped:
    return Stopped(reason, f"{what} {reason.advice}")


async def _check_kernel(pool: asyncpg.Pool) -> None:
    try:
        version = await pool.fetchval("SELECT version FROM tenancy.kernel")
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.InsufficientPrivilegeError):
        raise _stopped(
            reasons.KERNEL_MISSING, "The database was not bootstrapped: there is no schema `tenancy`."
        ) from None
    if version != install.KERNEL_VERSION:
        raise _stopped(
            reasons.KERNEL_OUTDATED,
            f"The kernel in the database has version {version}, this operator needs {install.KERNEL_VERSION}.",
        )


async def _take_lead(pool: asyncpg.Pool, holder: str) -> int:
    for _ in range(TRIES):
        with suppress(asyncpg.LockNotAvailableError):
            return int(await pool.fetchval("SELECT tenancy.take_lead($1)", holder))
        await pool.execute("SELECT tenancy.end_runs()")
        await pool.execute(END_SLEEPERS)
    raise Stopped(reasons.DATABASE_BUSY, "Sessions of the last operator do not give the lead away yet.")
