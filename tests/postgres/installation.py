"""A server with the kernel on it, and what tests do there: call functions as the operator, log in as anybody."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from tenant_manager.core.credentials import Credentials, draw
from tenant_manager.postgres.install import install, set_operator_verifier
from tests.servers.postgres import PostgresServer

DATABASE = "tenants"
PLAN: dict[str, Any] = {
    "name": "gold",
    "uid": "u-1",
    "generation": 1,
    "max_users": 10,
    "max_storage_gb": 1.5,
    "max_api_calls": None,
    "features": ["sso"],
    "price": {"amount": "9.90", "currency": "EUR"},
    "spec": {"displayName": "Gold"},
}
# What a driver raises on a session that the server has ended, depending on what it was doing.
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
numbers = itertools.count(1)


@dataclass(frozen=True)
class Installation:
    server: PostgresServer
    administrator: str  # superuser, or createrole: owns the database and has CREATEROLE alone
    url: str  # as the administrator
    operator: Credentials

    @classmethod
    async def create(cls, server: PostgresServer, administrator: str) -> "Installation":
        url = new_database(server, administrator, DATABASE)
        made = cls(server, administrator, url, fresh())
        async with connected(url) as connection:
            await install(connection)
            await set_operator_verifier(connection, made.operator.verifier())
        return made

    @property
    def superuser_url(self) -> str:
        return self.server.superuser_url.removesuffix("postgres") + DATABASE

    def login(self, user: str, password: str, dbname: str = DATABASE) -> str:
        return self.server.url(user, password, dbname)

    @asynccontextmanager
    async def as_superuser(self) -> AsyncIterator[asyncpg.Connection]:
        async with connected(self.superuser_url) as connection:
            yield connection

    async def sql(self, *statements: str) -> None:
        """As the superuser: a person with power who does something behind the operator's back."""
        async with self.as_superuser() as connection:
            for statement in statements:
                await connection.execute(statement)

    async def value(self, query: str, *args: object) -> Any:
        async with self.as_superuser() as connection:
            return await connection.fetchval(query, *args)

    async def can_log_in(self, user: str, password: str) -> bool:
        try:
            async with connected(self.login(user, password)):
                return True
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError):
            return False


@dataclass(frozen=True)
class Tenant:
    identifier: str
    password: str
    owner: tuple[str, str, str, str]
    url: str = field(repr=False)

    def connect(self) -> Any:
        return connected(self.url)


@dataclass
class Kernel:
    """The operator's connection, and its epoch."""

    installation: Installation
    connection: asyncpg.Connection
    epoch: int = 0

    @classmethod
    async def lead(cls, installation: Installation, holder: str = "tests") -> "Kernel":
        kernel = cls(installation, await operator_connection(installation))
        kernel.epoch = await kernel.connection.fetchval("SELECT tenancy.take_lead($1)", holder)
        await kernel.call("set_plan", PLAN)
        return kernel

    async def find_epoch(self) -> None:
        """After a test in which another took the lead, or ended our session."""
        if self.connection.is_closed():
            self.connection = await operator_connection(self.installation)
        self.epoch = await self.connection.fetchval("SELECT epoch FROM tenancy.leader")

    async def call(self, function: str, *args: object) -> Any:
        """The function's answer; the epoch goes first. A function with several answers gives a row."""
        marks = ", ".join(f"${number}" for number in range(1, len(args) + 2))
        row = await self.connection.fetchrow(f"SELECT * FROM tenancy.{function}({marks})", self.epoch, *args)
        return row[0] if row is not None and len(row) == 1 else row

    async def row(self, query: str, *args: object) -> asyncpg.Record:
        (found,) = await self.connection.fetch(query, *args)
        return found

    async def create(self, identifier: str | None = None, **changes: Any) -> Tenant:
        identifier = identifier or name()
        credentials = fresh()
        owner = changes.pop("owner", ("cluster-1", "team-a", f"uid-{identifier}", identifier.replace("_", "-")))
        await self.call("create_tenant", *arguments(identifier, owner, credentials, **changes))
        url = self.installation.login(identifier, credentials.password)
        return Tenant(identifier, credentials.password, owner, url)


async def refused(kernel: Kernel, code: str, function: str, *args: object) -> str:
    """The kernel's message, when it refuses with this code."""
    with pytest.raises(asyncpg.PostgresError) as error:
        await kernel.call(function, *args)
    assert error.value.sqlstate == code, error.value
    return str(error.value)


async def migrator_url(kernel: Kernel) -> str:
    """With a password set just now; the one connection it may have is free."""
    new = fresh()
    await kernel.call("set_migrator_verifier", new.verifier())
    while await kernel.connection.fetchval("SELECT tenancy.end_runs()"):
        await asyncio.sleep(0.01)
    return kernel.installation.login("tenancy_migrator", new.password)


async def operator_connection(installation: Installation) -> asyncpg.Connection:
    connection = await asyncpg.connect(installation.login("tenancy_operator", installation.operator.password))
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    return connection


def arguments(
    identifier: str, owner: tuple[str, str, str, str], credentials: Credentials, **changes: Any
) -> tuple[object, ...]:
    """Of create_tenant, after the epoch."""
    given: dict[str, Any] = {
        "identifier": identifier,
        "owner": owner,
        "verifier": credentials.verifier(),
        "connections": 5,
        "settings": {"statement_timeout": "30s"},
        "ddl": True,
        "catalog": catalog(),
        "generation": 1,
        **changes,
    }
    cluster, namespace, uid, object_name = given.pop("owner")
    return (given.pop("identifier"), cluster, namespace, uid, object_name, *given.values())


def catalog(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": "Acme",
        "domain": None,
        "status": "active",
        "plan": "gold",
        "settings": {},
        "limits": {},
    }
    return {**row, "resources": {"users": 10}, **changes}


def name() -> str:
    """An identifier that no other test has."""
    return f"tenant_{next(numbers)}"


def fresh() -> Credentials:
    return draw(os.urandom, iterations=1)


def new_database(server: PostgresServer, administrator: str, dbname: str) -> str:
    """The URL of the administrator of a new database."""
    if administrator == "createrole":
        return server.create_role_admin(dbname)
    server.sql(f'CREATE DATABASE "{dbname}"')
    return server.superuser_url.removesuffix("postgres") + dbname


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url, timeout=20, **options)
    try:
        yield connection
    finally:
        await connection.close(timeout=20)


def user_of(url: str) -> str:
    return urlsplit(url).username or ""
