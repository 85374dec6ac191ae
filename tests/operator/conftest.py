"""A cluster with everything of manifests/, a database of its own, and settings for operators in this process."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from tenant_manager.core.credentials import draw
from tenant_manager.postgres import install
from tenant_manager.settings import Settings
from tests.servers.controlplane import ControlPlane
from tests.servers.operator import ACCOUNT, NAMESPACE
from tests.servers.operator import install as install_manifests
from tests.servers.postgres import PostgresServer


@dataclass(frozen=True)
class World:
    """Where a test of the operator lives."""

    cluster: ControlPlane
    superuser_url: str
    settings: Settings


async def _bootstrap(server: PostgresServer) -> tuple[str, str]:
    dbname = "operator"
    server.sql(f"CREATE DATABASE {dbname}")
    url = server.superuser_url.rsplit("/", 1)[0] + f"/{dbname}"
    connection = await asyncpg.connect(url)
    fresh = draw(os.urandom)
    await install.install(connection)
    await install.set_operator_verifier(connection, fresh.verifier())
    await connection.close()
    return url, server.url("tenancy_operator", fresh.password, dbname)


@pytest.fixture(scope="session")
def world(control_plane: ControlPlane, servers_folder: Path) -> World:
    server = PostgresServer.create(18, servers_folder / "postgres-operator")
    superuser_url, operator_url = asyncio.run(_bootstrap(server))
    install_manifests(control_plane)
    settings = Settings(
        database_url=SecretStr(operator_url),
        cluster_name="test",
        kubeconfig=control_plane.kubeconfig_for(NAMESPACE, ACCOUNT),
        database_connections=4,
        workers=4,
        sweep_workers=2,
    )
    return World(control_plane, superuser_url, settings)


@pytest.fixture
def kubectl(world: World) -> Callable[..., str]:
    return world.cluster.kubectl
