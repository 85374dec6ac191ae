"""Runs `kernel/` in order, in one transaction: makes a database ready for tenants, or upgrades it in place."""

import re
from collections.abc import Sequence
from importlib.resources import files

import asyncpg

from .held import Promise, promises

KERNEL_VERSION = 1  # raised with every change of kernel/; the operator compares it with tenancy.kernel

EXTENSION = re.compile(r"[A-Za-z0-9_-]{1,63}")
VERIFIER = re.compile(r"SCRAM-SHA-256\$[1-9][0-9]{0,6}:[A-Za-z0-9+/=]{20,44}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=")

HEADER = """\
-- Tenant Manager, kernel version {version}: prepares this database, or upgrades it. One transaction; run it again at
-- any time. Run it in the database for the tenants, as a superuser or as its owner with CREATEROLE:
--     psql -X -v ON_ERROR_STOP=1 -d DATABASE -f THIS_FILE
-- Afterwards give tenancy_operator a password, as SCRAM verifier, for example with \\password in psql.
"""


class Refused(Exception):
    """The server, the login or the database cannot take the kernel; the message says what to do."""


def script(*, extensions: Sequence[str] = (), moved: bool = False) -> str:
    """The whole of `install` as one SQL script, for an administrator to read and run."""
    body = _body(extensions, moved=moved)
    return f"{HEADER.format(version=KERNEL_VERSION)}\nBEGIN;\n\n{body}\nCOMMIT;\n"


async def install(
    connection: asyncpg.Connection, *, extensions: Sequence[str] = (), moved: bool = False
) -> tuple[Promise, ...]:
    """Make or upgrade the kernel, then ask the server which promises hold.

    Args:
        connection: as a superuser, or as the owner of the database with CREATEROLE
        extensions: made in schema `extensions`, where tenants find them
        moved: accept that this database replaces the one it was copied from

    Raises:
        Refused: nothing was changed.
    """
    try:
        async with connection.transaction():
            await connection.execute(_body(extensions, moved=moved))
    except asyncpg.PostgresError as error:
        raise Refused(_sentence(error)) from error
    return await promises(connection)


async def set_operator_verifier(connection: asyncpg.Connection, verifier: str) -> None:
    """Give `tenancy_operator` the password that `verifier` was made from."""
    if VERIFIER.fullmatch(verifier) is None:
        raise ValueError("not a SCRAM-SHA-256 verifier")
    await connection.execute(f"ALTER ROLE tenancy_operator PASSWORD '{verifier}'")


def _body(extensions: Sequence[str], *, moved: bool) -> str:
    for name in extensions:
        if EXTENSION.fullmatch(name) is None:
            raise Refused(f"{name!r} is no name of an extension.")
    return "\n".join([_settings(extensions, moved=moved), *_kernel()])


def _settings(extensions: Sequence[str], *, moved: bool) -> str:
    names = ",".join(f'"{name}"' for name in extensions)
    return f"""\
SET LOCAL client_min_messages = 'warning';
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL lock_timeout = '10s';
SELECT set_config('tenancy.version', '{KERNEL_VERSION}', true),
       set_config('tenancy.moved', '{"on" if moved else "off"}', true),
       set_config('tenancy.extensions', '{{{names}}}', true);
"""


def _kernel() -> list[str]:
    folder = files(__package__).joinpath("kernel")
    numbered = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [file.read_text(encoding="utf-8") for file in numbered]


def _sentence(error: asyncpg.PostgresError) -> str:
    message = error.args[0] if error.args else type(error).__name__
    match error.sqlstate:
        case "TM020":
            return str(message)
        case "42501":
            return f"PostgreSQL does not permit it: {message}. Nothing was changed."
        case "25006":
            return "The database takes no writes: it is a standby or set to read-only. Use the address of the primary."
        case "55P03":
            return "Another session holds a lock for more than 10 seconds. Nothing was changed; try again."
        case _:
            return f"PostgreSQL answers {error.sqlstate}: {message}. Nothing was changed."
