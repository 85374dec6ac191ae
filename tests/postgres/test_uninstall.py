"""The SQL of docs/uninstall.md leaves nothing: run as it stands there, on every server, by both administrators."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from tenant_manager.postgres.install import install
from tests.postgres.conftest import BOTH
from tests.postgres.installation import Installation, Kernel, Tenant, connected
from tests.servers.binaries import POSTGRES
from tests.servers.postgres import PostgresServer

PAGE = Path(__file__).parent.parent.parent / "docs" / "uninstall.md"
TENANTS, KERNEL, DEFAULTS = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
OURS = """
SELECT rolname FROM pg_roles WHERE rolname ~ '^tenan(cy|t)_' AND rolname <> 'tenants_admin'
 UNION ALL
SELECT nspname FROM pg_namespace WHERE nspname ~ '^tenan(cy|t)_?'
 UNION ALL
SELECT 'default privileges' FROM pg_default_acl"""


@pytest_asyncio.fixture(params=[(version, who) for version in sorted(POSTGRES) for who in BOTH], ids=str)
async def kernel(request: pytest.FixtureRequest, server_folder: Path) -> AsyncIterator[Kernel]:
    """On a server of its own, since this is its end."""
    version, administrator = request.param
    server = PostgresServer.create(version, server_folder)
    kernel = await Kernel.lead(await Installation.create(server, administrator))
    yield kernel
    await kernel.connection.close(timeout=20)
    server.stop()


async def leave_a_large_object(kernel: Kernel, tenant: Tenant) -> None:
    """In another database, where nobody of ours can reach it: it keeps the tenant's role from being dropped."""
    async with connected(kernel.installation.login(tenant.identifier, tenant.password, "postgres")) as connection:
        await connection.execute("SELECT lo_create(4711)")


async def test_nothing_of_it_is_left(kernel: Kernel) -> None:
    installation = kernel.installation
    active, retained, shelved = [await kernel.create() for _ in range(3)]
    for tenant in (active, retained, shelved):
        async with tenant.connect() as connection:
            await connection.execute(f"CREATE TABLE t (x int); GRANT SELECT ON t TO {active.identifier}")
    await leave_a_large_object(kernel, shelved)
    await kernel.call("retain", retained.identifier)
    assert len((await kernel.call("drop_tenant", shelved.identifier))["leftovers"]) == 1

    async with connected(installation.url) as administrator:
        with pytest.raises(asyncpg.RaiseError, match="tenants are left"):
            await administrator.execute(KERNEL)
        await administrator.execute(TENANTS)
        assert await administrator.fetchval("SELECT count(*) FROM pg_roles WHERE rolname ~ '^tenant_[0-9]'") == 1
        with pytest.raises(asyncpg.RaiseError, match="tenants are left"):
            await administrator.execute(KERNEL)
        async with connected(installation.server.superuser_url) as elsewhere:
            await elsewhere.execute("SELECT lo_unlink(4711)")
        await administrator.execute(TENANTS)
        await administrator.execute(KERNEL)
    assert await installation.value(f"SELECT array_agg(left_over) FROM ({OURS}) AS x (left_over)") is None


async def test_what_was_taken_from_everybody_is_given_back_and_bootstrap_works_again(kernel: Kernel) -> None:
    url = kernel.installation.url
    async with connected(url) as administrator:
        await administrator.execute(TENANTS + KERNEL)
    async with kernel.installation.as_superuser() as superuser:
        await superuser.execute(DEFAULTS)
        assert await superuser.fetchval("SELECT has_database_privilege('public', current_database(), 'TEMPORARY')")
        assert await superuser.fetchval("SELECT has_function_privilege('public', 'lo_create(oid)', 'EXECUTE')")
    async with connected(url) as administrator:
        assert all(promise.held for promise in (await install(administrator))[:5])
