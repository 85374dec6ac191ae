"""Prepare a database for tenants, or upgrade it, and prove that a tenant can log in."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO, get_args
from urllib.parse import urlsplit

import asyncpg
import click
from rich.console import Console
from rich.table import Table

from tenant_manager.cli.connect import database_url, one_line, refusals
from tenant_manager.core.credentials import Credentials, draw
from tenant_manager.postgres.administrator import connect
from tenant_manager.postgres.held import Promise
from tenant_manager.postgres.install import Refused, install, script, set_operator_verifier
from tenant_manager.postgres.probe import FAILURES, probe, tls
from tenant_manager.settings import LOOPBACK, SslMode

CONNECT_TIMEOUT: Final = 10  # seconds
PASSWORD_LEFT: Final = "The password of tenancy_operator was left as it is; --operator-password-file sets one."  # noqa: S105  # a sentence


@dataclass(frozen=True, slots=True)
class Tenants:
    """Where tenants reach the server; what is None is as in DATABASE_URL."""

    host: str | None
    port: int | None
    sslmode: SslMode | None
    ca_file: Path | None


@click.command()
@click.option(
    "--password-file", type=click.File(), help="File with the administrator's password; - reads it from stdin."
)
@click.option("--operator-password-file", type=click.File(), help="File with the password that tenancy_operator gets.")
@click.option("--extension", "extensions", multiple=True, metavar="NAME", help="Make it in schema extensions.")
@click.option("--moved", is_flag=True, help="Accept that this database replaces the one it was restored from.")
@click.option("--print-sql", is_flag=True, help="Print the SQL for an administrator to run, and do nothing.")
@click.option("--tenant-host", envvar="TENANT_HOST", show_envvar=True, help="Host that tenants' Secrets name.")
@click.option("--tenant-port", envvar="TENANT_PORT", show_envvar=True, type=click.IntRange(1, 65535))
@click.option("--tenant-sslmode", envvar="TENANT_SSLMODE", show_envvar=True, type=click.Choice(get_args(SslMode)))
@click.option("--tenant-ca-file", envvar="TENANT_CA_FILE", show_envvar=True, type=click.Path(path_type=Path))
def bootstrap(
    password_file: TextIO | None,
    operator_password_file: TextIO | None,
    extensions: tuple[str, ...],
    moved: bool,
    print_sql: bool,
    tenant_host: str | None,
    tenant_port: int | None,
    tenant_sslmode: SslMode | None,
    tenant_ca_file: Path | None,
) -> None:
    """Prepare the PostgreSQL database in DATABASE_URL for tenants, or upgrade it. Safe to repeat.

    The login in DATABASE_URL is a superuser, or the owner of the database with CREATEROLE. Says what this server
    holds and what not, and ends with a probe: a tenant is made, logs in where tenants will, and is dropped.
    """
    with refusals():
        if print_sql:
            print(script(extensions=extensions, moved=moved), end="")
            return
        url = database_url()
        password, operator = _passwords(password_file, operator_password_file)
        tenants = Tenants(tenant_host, tenant_port, tenant_sslmode, tenant_ca_file)
        asyncio.run(_bootstrap(url, password, operator, extensions, moved, tenants))


async def _bootstrap(
    url: str,
    password: str | None,
    operator: Credentials | None,
    extensions: Sequence[str],
    moved: bool,
    tenants: Tenants,
) -> None:
    connection = await connect(url, password)
    try:
        _show(await install(connection, extensions=extensions, moved=moved))
        if operator is not None:
            await set_operator_verifier(connection, operator.verifier())
        print("tenancy_operator has a new password." if operator else PASSWORD_LEFT)
        await _probe(connection, url, tenants)
        print("A probe tenant logged in at the tenants' address and was dropped. The database is ready.")
    except FAILURES as error:
        raise Refused(f"The server answers: {error}") from error
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT)


async def _probe(connection: asyncpg.Connection, url: str, tenants: Tenants) -> None:
    parts = urlsplit(url)
    host = tenants.host or parts.hostname or "localhost"
    default = "verify-full" if tenants.ca_file else "prefer" if host in LOOPBACK else "require"
    try:
        found = tls(tenants.sslmode or default, tenants.ca_file)
    except OSError as error:  # an ssl.SSLError too: no certificate in the file
        raise Refused(f"TENANT_CA_FILE cannot be used: {error}") from error
    await probe(connection, host, tenants.port or parts.port or 5432, found)


def _passwords(administrator: TextIO | None, operator: TextIO | None) -> tuple[str | None, Credentials | None]:
    if administrator and operator and administrator.name == operator.name:
        raise Refused("The two passwords must come from two places; one of them may be standard input.")
    password = one_line(operator)
    if password is not None and not (password.isascii() and password.isprintable()):
        # anything else would need SASLprep, which clients do in different ways
        raise Refused("The operator's password must be made of printable ASCII characters.")
    credentials = None if password is None else draw(os.urandom).with_password(password)
    return one_line(administrator), credentials


def _show(promises: Sequence[Promise]) -> None:
    console = Console()
    if not console.is_terminal:
        for promise in promises:
            print(f"{'held' if promise.held else 'NOT HELD'}: {promise.name}. {promise.advice}".rstrip())
        return
    table = Table("", "promise", "what to do", show_lines=True)
    for promise in promises:
        table.add_row("held" if promise.held else "[bold red]not held", promise.name, promise.advice)
    console.print(table)
