"""An administrator's session: getting in, what the login may do, and failures in that person's words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from tenant_manager.postgres.databases import CONNECT_TIMEOUT
from tenant_manager.postgres.install import KERNEL_VERSION, Refused

URL_FORM: Final = (
    "must be a URL such as postgresql://ADMINISTRATOR@HOST:5432/DATABASE; write special characters as %40 and the like."
)
UNUSABLE: Final = f"DATABASE_URL {URL_FORM} What it says of TLS must be possible."
MISSING: Final = (
    "This database was never prepared for tenants. DATABASE_URL must name the database that the operator uses; a new "
    "one is prepared with: tenant-manager bootstrap"
)
COPY: Final = (
    "DatabaseCopied: this database is a copy, and nothing is shown or changed in it. Set DATABASE_URL to the original; "
    "if that is gone for good, run: tenant-manager bootstrap --moved"
)
SENTENCES: Final = {
    "TM004": "It changed in this very moment. Look again with: tenant-manager retained",
    "TM011": COPY,
    "25006": "The database takes no writes: it is a standby or set to read-only. Use the address of the primary.",
    "3F000": MISSING,  # invalid_schema_name
    "42P01": MISSING,  # undefined_table
    "53200": "The server's lock table is too small for what the schema holds. What is left stays retained; raise "
    "max_locks_per_transaction and try again.",
    "55P03": "Another session holds a lock on it for more than 2 seconds. Nothing was changed; try again.",
}

BROKEN: Final = ("08", "57P")  # connection_exception, and shutdown

# No function or operator of a tenant may come before PostgreSQL's own in the session of somebody with power.
SETTINGS: Final = "SET search_path = pg_catalog"
LOGIN: Final = """
SELECT current_user::text AS name, quote_ident(current_user) AS quoted,
       current_user = 'tenancy_operator' AS operates, to_regnamespace('tenancy') IS NOT NULL AS prepared,
       coalesce((SELECT pg_has_role(oid, 'USAGE') FROM pg_roles WHERE rolname = 'tenancy_admin'), false) AS administers,
       current_user LIKE 'tenancy\\_%' OR EXISTS (
           SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
            WHERE g.rolname = 'tenancy_tenant' AND u.rolname = current_user AND m.inherit_option) AS machine"""
KERNEL: Final = """
SELECT version, database = (SELECT oid FROM pg_database WHERE datname = current_database()) AS original
  FROM tenancy.kernel, tenancy.leader"""


async def connect(url: str, password: str | None) -> asyncpg.Connection:
    """A session as the login in `url`; `password` goes before the one that is found there.

    Raises:
        Refused: there is none to be had, and why. No part of `url` is repeated that could be a password.
    """
    try:
        return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT, password=password)
    except ValueError:  # which may quote a part of the URL
        raise Refused(UNUSABLE) from None
    except TimeoutError:
        raise Refused("The server that DATABASE_URL names does not answer.") from None
    except FileNotFoundError:
        raise Refused("A file or socket that DATABASE_URL names does not exist.") from None
    except asyncpg.InsufficientPrivilegeError as error:
        raise Refused(
            f"DATABASE_URL leads to no session: {error}. For retained, release, rebind and purge, a database "
            "administrator runs: GRANT tenancy_admin TO the login in DATABASE_URL"
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise Refused(f"DATABASE_URL leads to no session: {error}") from None


@asynccontextmanager
async def session(url: str, password: str | None, *, looks_only: bool = False) -> AsyncIterator[asyncpg.Connection]:
    """A session of a member of tenancy_admin; one that only looks may be tenancy_operator's as well.

    Raises:
        Refused: there is no session to be had, the login may not, or what is done in the session failed.
    """
    connection = await connect(url, password)
    try:
        await connection.execute(SETTINGS)
        await _check(connection, looks_only)
        yield connection
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise Refused(_sentence(error)) from error
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT)


async def _check(connection: asyncpg.Connection, looks_only: bool) -> None:
    login = await connection.fetchrow(LOGIN)
    assert login is not None  # noqa: S101  # it has no FROM
    if not login["prepared"]:
        raise Refused(MISSING)
    if not (login["operates"] and looks_only):
        _check_administers(login)
    kernel = await connection.fetchrow(KERNEL)
    if kernel is None:
        raise Refused(MISSING)
    if kernel["version"] != KERNEL_VERSION:
        raise Refused(
            f"The kernel in this database has version {kernel['version']}, this program needs {KERNEL_VERSION}. Use "
            "the program of the operator's version, or upgrade the database with: tenant-manager bootstrap"
        )
    if not kernel["original"]:
        raise Refused(COPY)


def _check_administers(login: asyncpg.Record) -> None:
    if login["machine"]:  # nobody should be told to give it more
        raise Refused(
            f"{login['name']} may not do this: it is a login for programs. Use the login of a person who is a member "
            "of tenancy_admin."
        )
    if not login["administers"]:
        raise Refused(
            f"{login['name']} may not do this. Whoever bootstrapped the database, or a superuser, runs: "
            f"GRANT tenancy_admin TO {login['quoted']} WITH INHERIT TRUE;"
        )


def _sentence(error: Exception) -> str:
    state = str(error.sqlstate) if isinstance(error, asyncpg.PostgresError) else BROKEN[0]
    message = error.args[0] if error.args else type(error).__name__
    if state.startswith(BROKEN):
        return f"The session broke: {message}. It is done whole or not at all; see with: tenant-manager retained"
    return SENTENCES.get(state, f"PostgreSQL answers {state}: {message}.")
