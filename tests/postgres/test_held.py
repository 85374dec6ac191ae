"""What is held on a server, what is not, and that the advice leads there; what never reaches the server's log."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from tenant_manager.postgres.held import Promise, promises
from tests.postgres.installation import DATABASE, Installation, Kernel, Tenant, connected, fresh
from tests.postgres.test_install import bootstrap
from tests.servers.postgres import PostgresServer

BY_SUPERUSERS = {
    "Tenants make no large objects, which no limit would count",
    "A password that a tenant changed itself is found for all tenants at once",
}
BY_NOBODY_YET = {
    "Temporary files of a query end somewhere",
    "Tenants cannot enter other databases of this server",
    "The operator gets in when tenants have used up all connections",
}


async def asked(url: str) -> dict[str, Promise]:
    async with connected(url) as connection:
        return {promise.name: promise for promise in await promises(connection)}


async def test_what_each_administrator_can_hold(server_folder: Path) -> None:
    server = PostgresServer.create(18, server_folder)
    installation = await Installation.create(server, "createrole")
    found = await asked(installation.url)
    assert {name for name, promise in found.items() if not promise.held} == BY_SUPERUSERS | BY_NOBODY_YET
    assert all(bool(promise.advice) is not promise.held for promise in found.values())
    assert await asked(installation.superuser_url) == found

    await bootstrap(installation.superuser_url)
    assert {name for name, promise in (await asked(installation.url)).items() if not promise.held} == BY_NOBODY_YET
    await bootstrap(installation.url)  # and an upgrade by the other administrator takes nothing back
    found = await asked(installation.url)
    for name in BY_NOBODY_YET:  # each advice ends with what to run
        server.sql(found[name].advice.partition(": ")[2].rpartition("run: ")[2] or found[name].advice, DATABASE)
    assert {name for name, promise in (await asked(installation.url)).items() if not promise.held} == {
        "The operator gets in when tenants have used up all connections"
    }
    server.stop()
    server = PostgresServer.create(18, server_folder, settings={"reserved_connections": "5"})
    assert all(promise.held for promise in (await asked(installation.url)).values())
    server.stop()


@pytest.mark.parametrize(
    ("drift", "back", "name", "words"),
    [
        (
            "GRANT pg_read_all_data TO tenancy_operator",
            "REVOKE pg_read_all_data FROM tenancy_operator",
            "The operator can call its functions and read its tables, nothing else",
            "membership of pg_read_all_data",
        ),
        (
            "GRANT UPDATE ON tenancy.registry TO tenancy_operator; GRANT EXECUTE ON FUNCTION tenancy.purge TO PUBLIC",
            "REVOKE UPDATE ON tenancy.registry FROM tenancy_operator; REVOKE ALL ON FUNCTION tenancy.purge FROM PUBLIC",
            "The operator can call its functions and read its tables, nothing else",
            "writing tenancy.registry",
        ),
        (
            "GRANT tenancy_executor_3 TO tenancy_app",
            "REVOKE tenancy_executor_3 FROM tenancy_app",
            "Nobody but the administrator can act as the kernel",
            "tenancy_app is a member of tenancy_executor_3",
        ),
        (
            "GRANT SELECT ON tenancy.tripwire TO tenancy_tenant",
            "REVOKE ALL ON tenancy.tripwire FROM tenancy_tenant;GRANT SELECT (x) ON tenancy.tripwire TO tenancy_tenant",
            "Tenants cannot strip the row-security policies of all (tripwire)",
            "tenancy_tenant",
        ),
        (
            "REVOKE SELECT (x) ON tenancy.tripwire FROM tenancy_tenant",
            "GRANT SELECT (x) ON tenancy.tripwire TO tenancy_tenant",
            "Tenants cannot strip the row-security policies of all (tripwire)",
            "tenancy_tenant",
        ),
        (
            "GRANT TEMP ON DATABASE tenants TO PUBLIC; GRANT USAGE ON SCHEMA public TO tenancy_tenant",
            "REVOKE TEMP ON DATABASE tenants FROM PUBLIC; REVOKE USAGE ON SCHEMA public FROM tenancy_tenant",
            "Tenants make no temporary tables and no schemas, and find nothing in schema public",
            "TEMP on database tenants, USAGE on schema public",
        ),
        (
            "GRANT CREATE ON SCHEMA extensions TO PUBLIC",
            "REVOKE CREATE ON SCHEMA extensions FROM PUBLIC",
            "Tenants create nothing in the schema extensions, which all of them look into",
            "REVOKE CREATE ON SCHEMA extensions FROM PUBLIC, tenancy_tenant;",
        ),
    ],
    ids=["membership", "writes", "executor", "table-tripwire", "no-tripwire", "temp", "extensions"],
)
async def test_what_a_person_loosened_is_named(
    installation: Installation, drift: str, back: str, name: str, words: str
) -> None:
    assert (await asked(installation.url))[name].held
    await installation.sql(drift)
    promise = (await asked(installation.url))[name]
    assert (promise.held, words in promise.advice) == (False, True), promise
    await installation.sql(back)
    assert (await asked(installation.url))[name].held


async def test_no_password_reaches_the_servers_log(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    """With log_statement = all; the verifier is there, as the manual says."""
    new, another = fresh(), fresh()
    assert await kernel.connection.fetchval("SHOW log_statement") == "all"
    await kernel.call("set_verifier", tenant.identifier, "a", new.verifier(), 5)
    await kernel.call("set_migrator_verifier", another.verifier())
    assert await installation.can_log_in(tenant.identifier, new.password)
    log = installation.server.log.read_text()
    assert "tenancy.set_verifier" in log
    for secret in (tenant.password, new.password, another.password, installation.operator.password):
        assert secret not in log


async def test_no_verifier_reaches_history(kernel: Kernel, tenant: Tenant) -> None:
    told = await kernel.connection.fetchval("SELECT string_agg(h::text, '') FROM tenancy.history h")
    assert "SCRAM-SHA-256$<masked>" in told
    assert "SCRAM-SHA-256$1:" not in told


async def test_the_operator_gets_in_when_tenants_have_all_connections(server_folder: Path) -> None:
    settings = {"max_connections": "12", "reserved_connections": "3", "superuser_reserved_connections": "2"}
    server = PostgresServer.create(18, server_folder, settings=settings)
    installation = await Installation.create(server, "superuser")
    kernel = await Kernel.lead(installation)
    tenant = await kernel.create(connections=-1)
    held = await asyncio.gather(*(asyncpg.connect(tenant.url) for _ in range(12)), return_exceptions=True)
    operator = installation.login("tenancy_operator", installation.operator.password)
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await asyncpg.connect(operator)
    await kernel.call("close_login", tenant.identifier)  # the connection that it kept still works
    server.sql("GRANT pg_use_reserved_connections TO tenancy_operator")
    await kernel.call("open_login", tenant.identifier)
    async with connected(operator) as connection:
        assert await connection.fetchval("SELECT 1") == 1
    for one in held:
        if isinstance(one, asyncpg.Connection):
            one.terminate()
    await kernel.connection.close()
    server.stop()
