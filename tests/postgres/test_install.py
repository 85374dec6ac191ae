"""Bootstrap: who may, what it refuses and why, what it leaves when it fails: nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tenant_manager.core.credentials import Credentials
from tenant_manager.postgres import install as installer
from tenant_manager.postgres.install import Refused, install, script
from tests.postgres.conftest import BOTH
from tests.postgres.installation import DATABASE, Installation, Kernel, connected, fresh, new_database, user_of
from tests.postgres.test_privileges import STATE
from tests.servers.postgres import PostgresServer

ROLES = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^tenancy_'"


async def bootstrap(url: str, **options: object) -> None:
    async with connected(url) as connection:
        await install(connection, **options)  # type: ignore[arg-type]  # those of install


async def why_refused(url: str, **options: object) -> str:
    with pytest.raises(Refused) as refused:
        await bootstrap(url, **options)
    return str(refused.value)


@pytest_asyncio.fixture
async def server(server_folder: Path) -> AsyncIterator[PostgresServer]:
    """One without a kernel yet."""
    server = PostgresServer.create(18, server_folder)
    yield server
    server.stop()


@pytest.fixture
def database(server: PostgresServer) -> str:
    return new_database(server, "createrole", DATABASE)


async def test_what_a_login_lacks(server: PostgresServer) -> None:
    server.sql("CREATE ROLE plain LOGIN PASSWORD 'x'; CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'x'")
    server.sql("CREATE DATABASE owned OWNER plain")
    assert await why_refused(server.url("maker", "x", "owned")) == (
        "The login maker may not prepare this database. A superuser must run: ALTER DATABASE owned OWNER TO maker;"
    )
    assert "must run: ALTER ROLE plain CREATEROLE;" in await why_refused(server.url("plain", "x", "owned"))
    both = await why_refused(server.url("plain", "x"))
    assert both.endswith("ALTER ROLE plain CREATEROLE; ALTER DATABASE postgres OWNER TO plain;")
    assert server.sql(ROLES) == "0"


async def test_the_operators_login_is_no_administrator(kernel: Kernel, installation: Installation) -> None:
    url = installation.login("tenancy_operator", installation.operator.password)
    assert "is a login of Tenant Manager itself" in await why_refused(url)


async def test_a_refusal_leaves_nothing_behind(server: PostgresServer, database: str) -> None:
    assert await why_refused(database, extensions=["plpgsql", "nowhere"]) == (
        "Extension nowhere is not available on this server: install its package there, or leave it out."
    )
    assert server.sql(ROLES) == "0"
    assert server.sql("SELECT count(*) FROM pg_namespace WHERE nspname IN ('tenancy', 'extensions')", DATABASE) == "0"


async def test_extensions(server: PostgresServer, database: str) -> None:
    assert await why_refused(database, extensions=['x"; DROP SCHEMA tenancy']) == (
        "'x\"; DROP SCHEMA tenancy' is no name of an extension."
    )
    only = await why_refused(database, extensions=["vector"])
    assert "a superuser, who must run: CREATE EXTENSION vector SCHEMA extensions;" in only
    server.sql("CREATE EXTENSION vector", DATABASE)
    assert "ALTER EXTENSION vector SET SCHEMA extensions" in await why_refused(database, extensions=["vector"])
    server.sql("CREATE SCHEMA extensions; ALTER EXTENSION vector SET SCHEMA extensions", DATABASE)
    assert "Its owner must run: GRANT USAGE ON SCHEMA extensions" in await why_refused(database)
    server.sql(f"ALTER SCHEMA extensions OWNER TO {user_of(database)}", DATABASE)
    await bootstrap(database, extensions=["vector"])
    installation = Installation(server, "createrole", database, await _operator(database))
    kernel = await Kernel.lead(installation)
    async with (await kernel.create()).connect() as connection:
        await connection.execute("CREATE TABLE found (place vector(3))")
    await kernel.connection.close()


async def test_one_database_a_server(server: PostgresServer, database: str) -> None:
    await bootstrap(database)
    other = new_database(server, "createrole", "other")
    for url in (other, server.superuser_url):
        message = await why_refused(url)
        assert f"already lives in database {DATABASE} of this server" in message
        assert "another server" in message
        assert await why_refused(url, moved=True) == message


async def test_another_administrator(server: PostgresServer, database: str) -> None:
    await bootstrap(database)
    server.sql(
        f"CREATE ROLE second LOGIN CREATEROLE PASSWORD 'x'; GRANT {user_of(database)} TO second WITH INHERIT TRUE"
    )
    server.sql("ALTER DATABASE tenants OWNER TO second")
    second = server.url("second", "x", DATABASE)
    server.sql(f"REVOKE {user_of(database)} FROM second")
    message = await why_refused(second)
    assert f"made by another administrator ({user_of(database)})" in message
    assert "GRANT <role> TO second WITH ADMIN OPTION" in message
    for role in server.sql("SELECT rolname FROM pg_roles WHERE rolname ~ '^tenancy_'").split():
        server.sql(f"GRANT {role} TO second WITH ADMIN OPTION")
    await bootstrap(second)
    await bootstrap(server.superuser_url.removesuffix("postgres") + DATABASE)


async def test_roles_that_were_there_before(server: PostgresServer, database: str) -> None:
    """After their database was dropped they are used again, unless they have what they must not have."""
    await bootstrap(database)
    server.sql("DROP DATABASE tenants")
    server.sql(f"CREATE DATABASE tenants OWNER {user_of(database)}")
    for power in ("SUPERUSER", "CREATEDB", "REPLICATION", "BYPASSRLS"):
        server.sql(f"ALTER ROLE tenancy_operator {power}")
        assert "Role tenancy_operator has rights that it must not have" in await why_refused(database)
        server.sql(f"ALTER ROLE tenancy_operator NO{power}")
    await bootstrap(database)


async def test_a_schema_of_that_name_that_is_not_ours(server: PostgresServer, database: str) -> None:
    server.sql("CREATE SCHEMA tenancy", DATABASE)
    message = await why_refused(database)
    assert message.startswith("Schema tenancy of this database belongs to postgres, not to tenancy_definer.")


async def test_a_newer_kernel(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    await installation.sql("UPDATE tenancy.kernel SET version = 99")
    message = await why_refused(installation.url)
    assert message.startswith("The kernel in this database has version 99, newer than 1 of this program.")
    monkeypatch.setattr(installer, "KERNEL_VERSION", 100)
    await bootstrap(installation.url)
    assert await installation.value("SELECT version FROM tenancy.kernel") == 100
    await installation.sql("UPDATE tenancy.kernel SET version = 1")


async def test_a_standby_and_a_read_only_database(server: PostgresServer, database: str) -> None:
    server.sql("ALTER DATABASE tenants SET default_transaction_read_only = on")
    assert "takes no writes" in await why_refused(database)
    server.stop()
    (server.folder / "data" / "standby.signal").touch()
    server.start()
    assert await why_refused(database) == "This server is a read-only standby: use the address of the primary."


async def test_a_lock_that_another_holds(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    body = installer._settings
    monkeypatch.setattr(
        installer, "_settings", lambda names, *, moved: body(names, moved=moved).replace("10s", "100ms")
    )
    async with installation.as_superuser() as other:
        await other.execute("BEGIN; LOCK TABLE tenancy.kernel")
        assert (await why_refused(installation.url)).startswith("Another session holds a lock")


@pytest.mark.parametrize("administrator", BOTH)
async def test_the_printed_script_does_the_same(
    administrator: str, server: PostgresServer, server_folder: Path
) -> None:
    """Run by psql, or sent whole by any other client."""
    extensions = ["vector"] if administrator == "superuser" else []
    text = script(extensions=extensions)
    other = PostgresServer.create(18, server_folder / "other")
    url = new_database(server, administrator, DATABASE)
    await bootstrap(new_database(other, administrator, DATABASE), extensions=extensions)
    if administrator == "superuser":
        server.sql(text, DATABASE)
    else:
        async with connected(url) as connection:
            await connection.execute(text)
    states = [eval_state(one) for one in (server, other)]
    assert states[0] == states[1]
    other.stop()


def eval_state(one: PostgresServer) -> str:
    return one.sql(STATE.replace("- 'rolpassword'", "- 'rolpassword' - 'oid'"), DATABASE)


async def test_the_script_explains_itself() -> None:
    text = script()
    assert text.startswith("-- Tenant Manager, kernel version 1:")
    assert "\nBEGIN;\n" in text
    assert text.endswith("\nCOMMIT;\n")
    assert "SECURITY DEFINER" in text


async def test_two_at_once(server: PostgresServer, database: str) -> None:
    """The second waits or fails; run again, it finds everything."""
    outcomes = await asyncio.gather(bootstrap(database), bootstrap(database), return_exceptions=True)
    assert any(outcome is None for outcome in outcomes)
    assert all(outcome is None or isinstance(outcome, Refused) for outcome in outcomes)
    await bootstrap(database)
    outcomes = await asyncio.gather(bootstrap(database), bootstrap(database), return_exceptions=True)
    assert any(outcome is None for outcome in outcomes)


async def _operator(url: str) -> Credentials:
    credentials = fresh()
    async with connected(url) as connection:
        await installer.set_operator_verifier(connection, credentials.verifier())
        with pytest.raises(ValueError, match="not a SCRAM"):
            await installer.set_operator_verifier(connection, "secret'")
    return credentials
