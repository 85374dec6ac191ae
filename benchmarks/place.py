"""The servers of a benchmark: PostgreSQL with the kernel, a control plane with the manifests and one Plan."""

import asyncio
import os
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import yaml

from tenant_manager.core.credentials import draw
from tenant_manager.postgres import install
from tests.servers import operator
from tests.servers.controlplane import ControlPlane
from tests.servers.postgres import PostgresServer

ROOT = Path(__file__).parents[1]
PLAN = "gold"  # of examples/
CLUSTER = "benchmark"
USER = f"system:serviceaccount:{operator.NAMESPACE}:{operator.ACCOUNT}"
DATABASE = "app"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a benchmark runs. `url`: as tenancy_operator; `superuser_url`: the same database."""

    folder: Path
    control_plane: ControlPlane
    postgres: PostgresServer
    superuser_url: str
    url: str
    kubeconfig: Path  # of the operator's service account

    def audited(self) -> "Place":
        """The same with an audit log: the control plane is started anew in its folder."""
        plane = ControlPlane.create(self.control_plane.folder, audit=True)
        return replace(self, control_plane=plane, kubeconfig=_kubeconfig(plane))


def open_place(folder: Path, version: int) -> Place:
    """All servers, started in `folder`; version 17 of PostgreSQL with TLS, the others without."""
    server = PostgresServer.create(version, folder / "postgres", settings={"log_line_prefix": "%u|"}, ssl=version == 17)
    plane = ControlPlane.create(folder / "controlplane")
    operator.install(plane)
    plane.kubectl("apply", "--server-side", "-f", "-", text=_plan())
    url = urlunsplit(urlsplit(server.superuser_url)._replace(path=f"/{DATABASE}"))
    server.sql(f"CREATE DATABASE {DATABASE}")
    password = asyncio.run(_install(url))
    return Place(folder, plane, server, url, server.url("tenancy_operator", password, DATABASE), _kubeconfig(plane))


def _plan() -> str:
    documents = yaml.safe_load_all((ROOT / "examples" / "10-plans.yaml").read_text())
    return yaml.safe_dump(next(one for one in documents if one["metadata"]["name"] == PLAN))


def _kubeconfig(plane: ControlPlane) -> Path:
    return plane.kubeconfig_for(operator.NAMESPACE, operator.ACCOUNT)


async def _install(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        await install.install(connection)
        credentials = draw(os.urandom)
        await install.set_operator_verifier(connection, credentials.verifier())
    finally:
        await connection.close()
    return credentials.password
