"""The operator as it is deployed: a process of its own, on a real API server, with RBAC on, and a real PostgreSQL.

One operator serves most tests, and each of them has a namespace and names of its own. It looks often: a scan each
second, each Secret every few. What it did in the whole run is judged at the end, by test_record.py.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cluster.api import Api
from tests.cluster.audit import Audit
from tests.cluster.database import Database
from tests.cluster.place import Place
from tests.cluster.recorder import Recorder
from tests.servers.controlplane import ControlPlane
from tests.servers.errors import ServerMissing
from tests.servers.operator import ACCOUNT, NAMESPACE, OperatorProcess, install
from tests.servers.postgres import PostgresServer

# Without autovacuum nobody but the operator and the tests takes transaction ids.
SERVER = {"log_statement": "all", "log_connections": "on", "autovacuum": "off", "max_connections": "60"}
OPERATOR = {"SCAN_SECONDS": "1", "SECRET_CHECK_SECONDS": "5", "LOG_LEVEL": "debug"}
WATCHES_FOR = 300.0  # seconds that a quiet watch stays open
JUDGE = "test_record"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what needs no operator, which would work on its objects; last what judges the whole run."""
    items.sort(key=lambda item: (JUDGE in item.nodeid, "shared_operator" in getattr(item, "fixturenames", ())))


@pytest.fixture(scope="session")
def api(control_plane: ControlPlane) -> Iterator[Api]:
    """As admin."""
    made = Api.admin(control_plane)
    yield made
    made.close()


@pytest.fixture(scope="session")
def audit(control_plane: ControlPlane) -> Audit:
    assert control_plane.audit_log is not None, "run it without KUBECONFIG_TEST: this cluster's log is out of reach"
    return Audit(control_plane.audit_log)


@pytest_asyncio.fixture(scope="session")
async def database(servers_folder: Path) -> Database:
    try:
        server = PostgresServer.create(18, servers_folder / "tenants", settings=SERVER)
    except ServerMissing as error:
        pytest.fail(str(error), pytrace=False)
    return await Database.create(server)


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane) -> ControlPlane:
    """The cluster with all of manifests/."""
    install(control_plane)
    return control_plane


@pytest.fixture(scope="session")
def recorder(installed: ControlPlane) -> Iterator[Recorder]:
    made = Recorder()
    made.start(lambda: Api(installed.server, installed.ca_file, installed.admin_token, WATCHES_FOR))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def shared_operator(
    installed: ControlPlane, recorder: Recorder, database: Database, servers_folder: Path
) -> Iterator[OperatorProcess]:
    kubeconfig = installed.kubeconfig_for(NAMESPACE, ACCOUNT)
    process = OperatorProcess(servers_folder / "operator", kubeconfig, database.operator_url, **OPERATOR)
    yield process
    process.stop()


@pytest.fixture
def operator(shared_operator: OperatorProcess) -> OperatorProcess:
    """Running and ready, also after a test that ended it."""
    if shared_operator.pid is None:
        shared_operator.start()
    return shared_operator


@pytest_asyncio.fixture
async def place(
    operator: OperatorProcess, api: Api, recorder: Recorder, database: Database, tmp_path: Path
) -> AsyncIterator[Place]:
    made = Place(api, recorder, database, tmp_path)
    yield made
    made.leave()
