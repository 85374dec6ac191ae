"""The kernel on 16, 17 and 18, bootstrapped by a superuser and by an administrator who has only CREATEROLE.

Passes commit and nobody cleans up: a test takes an identifier of its own.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.postgres.installation import Installation, Kernel, Tenant
from tests.servers.binaries import POSTGRES
from tests.servers.errors import ServerMissing
from tests.servers.postgres import PostgresServer

SETTINGS = {"log_statement": "all", "log_min_messages": "warning", "max_connections": "60"}
BOTH = ("superuser", "createrole")


@pytest_asyncio.fixture(
    scope="session",
    params=[(version, administrator) for version in sorted(POSTGRES) for administrator in BOTH],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
async def installation(request: pytest.FixtureRequest, servers_folder: Path) -> AsyncIterator[Installation]:
    """A server of its own for each of the six: roles belong to the server, so it holds one kernel."""
    version, administrator = request.param
    try:
        server = PostgresServer.create(version, servers_folder / f"kernel-{version}-{administrator}", settings=SETTINGS)
    except ServerMissing as error:
        pytest.fail(str(error), pytrace=False)
    yield await Installation.create(server, administrator)
    server.stop()


@pytest_asyncio.fixture(scope="session")
async def leading(installation: Installation) -> AsyncIterator[Kernel]:
    kernel = await Kernel.lead(installation)
    yield kernel
    await kernel.connection.close(timeout=20)


@pytest_asyncio.fixture
async def kernel(leading: Kernel) -> Kernel:
    """The operator, in the lead: also after a test in which another one took it."""
    await leading.find_epoch()
    return leading


@pytest_asyncio.fixture
async def tenant(kernel: Kernel) -> Tenant:
    return await kernel.create()
