"""Real servers for all layers, started when a test first asks for them and ended with the run.

KUBECONFIG_TEST names a cluster to take instead of our own. PostgreSQL is always ours, whatever DATABASE_URL says:
tests crash it, read its log and change its pg_hba.conf.
"""

import os
import signal
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest

from tests.servers.binaries import POSTGRES
from tests.servers.build import built
from tests.servers.controlplane import ControlPlane
from tests.servers.errors import ServerMissing
from tests.servers.leftovers import temporary_folder
from tests.servers.postgres import PostgresServer

# A server that lets everybody in makes all other tests of logins worthless.
FIRST = "test_a_wrong_password_is_refused"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: getattr(item, "originalname", item.name) != FIRST)


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """Everybody may enter it, which PostgreSQL's user needs when the tests run as root (pytest's own are closed)."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers end with us then, too
    with temporary_folder() as folder:
        yield folder


@pytest.fixture
def server_folder(servers_folder: Path) -> Path:
    """A place for a server of the test's own, which is ended with the run if the test does not end it."""
    return servers_folder / uuid4().hex[:8]


@pytest.fixture(scope="session")
def start_postgres(servers_folder: Path) -> Callable[[int], PostgresServer]:
    """The shared server of a version, started when first asked for; every statement is in its log."""

    @cache
    def start(version: int) -> PostgresServer:
        try:
            return PostgresServer.create(
                version, servers_folder / f"postgres-{version}", settings={"log_statement": "all"}
            )
        except ServerMissing as error:
            pytest.fail(str(error), pytrace=False)

    return start


@pytest.fixture(scope="session", params=sorted(POSTGRES), ids="postgres-{}".format)
def postgres_server(request: pytest.FixtureRequest, start_postgres: Callable[[int], PostgresServer]) -> PostgresServer:
    """PostgreSQL 16, 17 and 18 in turn, shared by all tests: make databases and roles of your own there."""
    return start_postgres(request.param)


@pytest.fixture(scope="session")
def control_plane(servers_folder: Path) -> ControlPlane:
    """The cluster of all tests, with an audit log: make namespaces of your own there."""
    if existing := os.environ.get("KUBECONFIG_TEST"):
        folder = servers_folder / "existing"
        folder.mkdir()
        return ControlPlane.existing(Path(existing), folder)
    if built() is None:
        pytest.fail("The control plane is not built: run `make servers`.", pytrace=False)
    return ControlPlane.create(servers_folder / "controlplane", audit=True)
