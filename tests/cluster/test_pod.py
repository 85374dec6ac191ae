"""The operator under what its pod gives it: a user that has a number and no name, and a home that it cannot write to.

On a control plane of its own: without a database, an operator tells every Tenant that it sees.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tenant_manager.api.base import GROUP
from tests.servers.build import built
from tests.servers.controlplane import ControlPlane
from tests.servers.operator import ACCOUNT, NAMESPACE, OperatorProcess, install
from tests.servers.ports import free_ports

NAMELESS = """
import pwd
def getpwuid(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = getpwuid
"""
NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")
TENANT = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "Tenant",
    "metadata": {"name": "acme", "namespace": "default"},
    "spec": {"planRef": {"name": "gold"}},
}


@pytest.fixture
def plane(server_folder: Path) -> Iterator[ControlPlane]:
    if built() is None:
        pytest.fail("The control plane is not built: run `make servers`.", pytrace=False)
    plane = ControlPlane.create(server_folder)
    install(plane)
    yield plane
    plane.stop()


def test_it_watches_though_nobody_knows_the_name_of_its_user(
    plane: ControlPlane, server_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NAMELESS)
    (nobody_listens,) = free_ports(1)
    url = f"postgresql://tenancy_operator:any@127.0.0.1:{nobody_listens}/tenants"
    environment = {"PYTHONPATH": str(tmp_path), "HOME": "/", **dict.fromkeys(NAMES, "")}
    operator = OperatorProcess(server_folder, plane.kubeconfig_for(NAMESPACE, ACCOUNT), url, **environment)
    operator.start(wait=False)
    try:
        assert soon(lambda: "PostgreSQL" in operator.get("/readyz")[1]), operator.log.read_text()  # all is listed
        plane.kubectl("create", "-f", "-", text=json.dumps(TENANT))
        assert soon(lambda: json.loads(operator.get("/health")[1])["tenants_count"] == 1), operator.log.read_text()
    finally:
        operator.stop()


def soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False
