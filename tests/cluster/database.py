"""The tenants' PostgreSQL: what the superuser sees and does, and logins by a connection Secret in each of its forms."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from tenant_manager.core.credentials import Credentials, draw
from tenant_manager.postgres.install import install, set_operator_verifier
from tests.cluster.waiting import until
from tests.servers.binaries import postgres_bin
from tests.servers.postgres import PostgresServer

NAME = "app"
PSQL = postgres_bin(18) / "psql"
PROOF = "proof-of-login"
WHO_AND_WHERE = "SELECT current_user || ' ' || current_schema()"


@dataclass
class Database:
    """`operator` is the login of tenancy_operator."""

    server: PostgresServer
    operator: Credentials
    name: str = NAME

    @classmethod
    async def create(cls, server: PostgresServer) -> "Database":
        """A new database on the server, bootstrapped by its superuser."""
        server.sql(f"CREATE DATABASE {NAME}")
        made = cls(server, draw(os.urandom))
        async with made.superuser() as connection:
            await install(connection)
        await made.give_the_operator_its_password()
        return made

    async def give_the_operator_its_password(self) -> None:
        """Also after another operator took one of its own."""
        async with self.superuser() as connection:
            await set_operator_verifier(connection, self.operator.verifier())

    @property
    def superuser_url(self) -> str:
        return self.server.superuser_url.removesuffix("postgres") + self.name

    @property
    def operator_url(self) -> str:
        return self.server.url("tenancy_operator", self.operator.password, NAME)

    def elsewhere(self, name: str) -> "Database":
        """Another database of the server."""
        return replace(self, name=name)

    @asynccontextmanager
    async def superuser(self) -> AsyncIterator[asyncpg.Connection]:
        async with session(self.superuser_url) as connection:
            yield connection

    async def run(self, *statements: str) -> None:
        async with self.superuser() as connection:
            for statement in statements:
                await connection.execute(statement)

    async def value(self, sql: str, *args: object) -> Any:
        async with self.superuser() as connection:
            return await connection.fetchval(sql, *args)

    async def row(self, sql: str, *args: object) -> dict[str, Any] | None:
        async with self.superuser() as connection:
            found = await connection.fetchrow(sql, *args)
            return None if found is None else dict(found)

    async def column(self, sql: str, *args: object) -> list[Any]:
        async with self.superuser() as connection:
            return [row[0] for row in await connection.fetch(sql, *args)]

    async def sessions(self, user: str) -> int:
        return int(await self.value("SELECT count(*) FROM pg_stat_activity WHERE usename = $1", user))

    async def no_proof_left(self, user: str) -> bool:
        """Whether the sessions of `logs_in_by_every_form` have ended on the server, too."""
        left = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = $1 AND application_name = $2)"
        return bool(await self.value(left, user, PROOF))

    async def exists(self, identifier: str) -> tuple[bool, bool]:
        """Whether there are a schema and a role of this name."""
        found = await self.row(
            "SELECT to_regnamespace($1) IS NOT NULL AS schema, to_regrole($1) IS NOT NULL AS role", identifier
        )
        assert found is not None
        return found["schema"], found["role"]

    async def last_xid(self) -> int:
        """The next transaction id that the server will give away; asking takes none."""
        return int(await self.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))


@asynccontextmanager
async def session(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        if not connection.is_closed():
            connection.terminate()


async def logs_in_by_every_form(secret: Mapping[str, str], folder: Path) -> None:
    """Each of the forms of the address leads to the same login, in its own schema: uri, pgpass, JDBC, single keys."""
    single = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname", "PGSSLMODE": "sslmode"}
    where = {name: secret[key] for name, key in single.items()}
    passwords = folder / f"{secret['username']}.pgpass"
    passwords.touch(mode=0o600)
    passwords.write_text(secret["pgpass"])
    by_jdbc = urlsplit(secret["jdbc-uri"].removeprefix("jdbc:"))
    said = [
        await _psql(secret["uri"], {}),
        await _psql("", where | {"PGPASSFILE": str(passwords)}),
        await _psql("", where | {"PGPASSWORD": secret["password"]}),
        await _psql(f"{by_jdbc.scheme}://{by_jdbc.netloc}{by_jdbc.path}", _environment(by_jdbc.query)),
    ]
    assert said == [f"{secret['username']} {secret['username']}"] * 4, said


async def _psql(address: str, environment: Mapping[str, str]) -> str:
    """What psql prints; one login after the other, as the connection limit may be low."""
    arguments = ["-XwAtq", *([address] if address else []), "-c", WHO_AND_WHERE]
    full = {**os.environ, **environment, "PGAPPNAME": PROOF}

    async def asked() -> str:
        process = await asyncio.create_subprocess_exec(PSQL, *arguments, env=full, stdout=PIPE, stderr=STDOUT)
        said, _ = await process.communicate()
        return "" if b"too many connections for role" in said else said.decode().strip()

    return await until(asked)


def _environment(query: str) -> dict[str, str]:
    """What a JDBC driver reads from the address, as libpq takes it."""
    given = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
    return {"PGUSER": given["user"], "PGPASSWORD": given["password"], "PGSSLMODE": given["sslmode"]}
