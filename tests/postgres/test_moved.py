"""A copy is refused; after a restore or a move, an administrator says so with --moved, and tenants work again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.postgres.conftest import BOTH
from tests.postgres.installation import DATABASE, Installation, Kernel, connected, fresh, new_database, refused, user_of
from tests.postgres.test_install import bootstrap, why_refused
from tests.servers.binaries import postgres_bin
from tests.servers.postgres import PostgresServer


@pytest.fixture
def server(server_folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer.create(18, server_folder)
    yield server
    server.stop()


@pytest.fixture
def other(server_folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer.create(18, server_folder / "other")
    server.sql("CREATE DATABASE padding")  # so that the database there gets another OID
    yield server
    server.stop()


def dump(server: PostgresServer, program: str, *arguments: str) -> str:
    environment = {**os.environ, "PGHOST": server.host, "PGPORT": str(server.port), "PGUSER": "postgres"}
    password = server.superuser_url.removeprefix("postgresql://postgres:").partition("@")[0]
    command = [str(postgres_bin(server.version) / program), *arguments]
    done = subprocess.run(
        command, env={**environment, "PGPASSWORD": password}, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("administrator", BOTH)
async def test_a_copy_on_the_same_server(server: PostgresServer, administrator: str) -> None:
    installation = await Installation.create(server, administrator)
    kernel = await Kernel.lead(installation)
    tenant = await kernel.create()
    await kernel.connection.close()
    server.sql(f"CREATE DATABASE copy TEMPLATE {DATABASE} OWNER {user_of(installation.url)}")
    copy = installation.url.removesuffix(DATABASE) + "copy"
    for moved in (False, True):
        message = await why_refused(copy, moved=moved)
        assert message.startswith("DatabaseCopied: this database is a copy, and database tenants on the same server")
    await bootstrap(installation.url)  # the original is not disturbed
    assert await installation.can_log_in(tenant.identifier, tenant.password)

    server.sql(f"DROP DATABASE {DATABASE}")
    assert (await why_refused(copy)).endswith("bootstrap it again with --moved.")
    await bootstrap(copy, moved=True)
    await bootstrap(copy)
    async with connected(server.url("tenancy_operator", installation.operator.password, "copy")) as connection:
        epoch = await connection.fetchval("SELECT tenancy.take_lead('again')")
        await connection.execute("SELECT tenancy.close_login($1, $2)", epoch, tenant.identifier)


async def test_a_dump_with_its_roles(server: PostgresServer, other: PostgresServer) -> None:
    """pg_dumpall --roles-only, then pg_dump: the way of a superuser, passwords included."""
    installation = await Installation.create(server, "superuser")
    kernel = await Kernel.lead(installation)
    tenant, retained = await kernel.create(), await kernel.create()
    async with tenant.connect() as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    await kernel.call("retain", retained.identifier)
    await kernel.connection.close()
    roles = dump(server, "pg_dumpall", "--roles-only")
    other.sql(
        "\n".join(
            line for line in roles.splitlines() if not line.startswith(("CREATE ROLE postgres", "ALTER ROLE postgres"))
        )
    )
    url = new_database(other, "superuser", DATABASE)
    other.sql(dump(server, "pg_dump", DATABASE), DATABASE)
    assert "--moved" in await why_refused(url)
    await bootstrap(url, moved=True)
    await _works(Installation(other, "superuser", url, installation.operator), tenant.identifier, tenant.password)


async def test_a_dump_without_its_roles(server: PostgresServer, other: PostgresServer) -> None:
    installation = await Installation.create(server, "superuser")
    kernel = await Kernel.lead(installation)
    await kernel.create()
    await kernel.connection.close()
    url = new_database(other, "superuser", DATABASE)
    other.sql(dump(server, "pg_dump", "--no-owner", "--no-acl", "--no-policies", DATABASE), DATABASE)
    for moved in (False, True):
        message = await why_refused(url, moved=moved)
        assert message.startswith("Schema tenancy of this database belongs to postgres, not to tenancy_definer.")
        assert "pg_dumpall --roles-only" in message


async def test_a_move_to_a_server_without_a_superuser(server: PostgresServer, other: PostgresServer) -> None:
    """Bootstrap there, copy the kernel's rows, let the operator make what is missing, restore as each tenant."""
    installation = await Installation.create(server, "createrole")
    kernel = await Kernel.lead(installation)
    tenant = await kernel.create()
    async with tenant.connect() as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    await kernel.connection.close()
    moved = await Installation.create(other, "createrole")
    own = ("--exclude-table=tenancy.kernel", "--exclude-table=tenancy.leader")
    rows = dump(server, "pg_dump", "--data-only", "--schema=tenancy", *own, DATABASE)
    _restore(moved.url, rows, PGOPTIONS="-c role=tenancy_definer")

    kernel = await Kernel.lead(moved)  # as the operator does for a registered tenant whose role and schema are gone
    verifier = fresh().with_password(tenant.password).verifier()
    await kernel.call("make_login", tenant.identifier, verifier, 5, {})
    await kernel.call("make_schema", tenant.identifier, True)
    await kernel.call("join", tenant.identifier)
    await kernel.connection.close()

    text = dump(server, "pg_dump", "--no-owner", "--no-acl", f"--schema={tenant.identifier}", DATABASE)
    without = "\n".join(
        line for line in text.splitlines() if not line.startswith(("CREATE SCHEMA", "COMMENT ON SCHEMA"))
    )
    _restore(moved.login(tenant.identifier, tenant.password), without)
    await _works(moved, tenant.identifier, tenant.password)


async def test_executors_get_back_what_a_restore_lost(server: PostgresServer) -> None:
    installation = await Installation.create(server, "superuser")
    kernel = await Kernel.lead(installation)
    tenant = await kernel.create()
    executor = await kernel.connection.fetchval("SELECT executor FROM tenancy.registry")
    server.sql(f"REVOKE {tenant.identifier} FROM tenancy_executor_{executor}")
    await refused(kernel, "42501", "set_settings", tenant.identifier, {}, 5)
    await bootstrap(installation.url, moved=True)
    await kernel.call("set_settings", tenant.identifier, {}, 5)
    server.sql(f"CREATE TABLE {tenant.identifier}.strayed (a int)", DATABASE)
    message = await why_refused(installation.url, moved=True)
    assert message.startswith(f"{tenant.identifier}.strayed belongs to postgres and not to its tenant")
    await kernel.connection.close()


def _restore(url: str, text: str, **environment: str) -> None:
    command = [str(postgres_bin(18) / "psql"), "-Xq", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d", url]
    environment = {**os.environ, **environment}
    done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def _works(installation: Installation, identifier: str, password: str) -> None:
    kernel = await Kernel.lead(installation)
    async with connected(installation.login(identifier, password)) as connection:
        assert await connection.fetchval("SELECT n FROM kept") == 7
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="tripwire"):
            await connection.execute("DROP OWNED BY tenancy_tenant")
    new = fresh()
    await kernel.call("set_verifier", identifier, "a", new.verifier(), 5)
    assert await installation.can_log_in(identifier, new.password)
    await kernel.call("close_login", identifier)
    await kernel.create()
    assert (await kernel.call("drop_tenant", identifier))["leftovers"] == []
    await kernel.connection.close()
