"""PostgreSQL for the demo: started, prepared for tenants, and looked at as superuser and as a tenant."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from tenant_manager.core.credentials import Credentials, draw
from tenant_manager.postgres.held import Promise
from tenant_manager.postgres.install import install, set_operator_verifier
from tenant_manager.postgres.lead import OPERATOR
from tenant_manager.postgres.probe import probe
from tests.servers.kubeconfig import write_private
from tests.servers.postgres import PostgresServer

from .place import DBNAME, Place

VERSION = 18
Result = TypeVar("Result")


@dataclass(frozen=True)
class Prepared:
    """A database that tenants can live in."""

    promises: tuple[Promise, ...]
    operator_url: str = field(repr=False)


def start(place: Place) -> PostgresServer:
    """The server, with the data that an earlier demo left."""
    server = PostgresServer.create(VERSION, place.postgres)
    password = urlsplit(server.superuser_url).password
    write_private(place.pgpass, f"{server.host}:*:*:postgres:{password}\n")
    return server


def prepare(server: PostgresServer) -> Prepared:
    """What `tenant-manager bootstrap` does, as superuser, with a new password for the operator.

    Raises:
        install.Refused: the database cannot take the kernel.
    """
    fresh = draw(os.urandom)
    promises = asyncio.run(_prepare(server, fresh))
    return Prepared(promises, server.url(OPERATOR, fresh.password, DBNAME))


def as_superuser(server: PostgresServer) -> str:
    """The URL of the tenants' database."""
    return urlunsplit(urlsplit(server.superuser_url)._replace(path=f"/{DBNAME}"))


def run(url: str, work: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
    """Do something on a connection of its own."""
    return asyncio.run(_with_connection(url, work))


def masked(url: str) -> str:
    """A URL that may be shown."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(parts.username or '')}:****@{place}"))


async def _with_connection(url: str, work: Callable[[asyncpg.Connection], Awaitable[Result]]) -> Result:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await work(connection)
    finally:
        await connection.close(timeout=10)


async def _prepare(server: PostgresServer, fresh: Credentials) -> tuple[Promise, ...]:
    await _with_connection(server.superuser_url, _make_database)

    async def bootstrap(connection: asyncpg.Connection) -> tuple[Promise, ...]:
        promises = await install(connection)
        await set_operator_verifier(connection, fresh.verifier())
        await probe(connection, server.host, server.port)
        return promises

    return await _with_connection(as_superuser(server), bootstrap)


async def _make_database(connection: asyncpg.Connection) -> None:
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DBNAME):
        await connection.execute(f"CREATE DATABASE {DBNAME}")
