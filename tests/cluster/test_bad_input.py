"""What no CRD can refuse, and what is wrong around the operator: its user is told what to do, where he looks."""

from pathlib import Path
from typing import Any

import pytest

from tenant_manager.api import reasons
from tests.cluster import health
from tests.cluster.database import Database
from tests.cluster.place import Place
from tests.cluster.waiting import until
from tests.servers.controlplane import ControlPlane
from tests.servers.operator import ACCOUNT, NAMESPACE, OperatorProcess


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(levels):
        inner = {"in": inner}
    return inner


SETTINGS = {
    "large": ({"text": "x" * 16_400}, "SettingsTooLarge", "at most 16384 bytes"),
    "large-in-bytes": ({"text": "ü" * 9_000}, "SettingsTooLarge", "at most 16384 bytes"),
    "nul": ({"text": "a\x00b"}, "InvalidSpec", "U+0000"),
    "nul-in-a-key": ({"a\x00b": 1}, "InvalidSpec", "U+0000"),
    "deep": (nested(70), "InvalidSpec", "64 levels"),
}


@pytest.mark.parametrize("case", SETTINGS)
async def test_settings_that_cannot_be_stored(place: Place, case: str) -> None:
    settings, reason, words = SETTINGS[case]
    place.plan()
    place.tenant(settings={"fine": True})
    await place.ready()
    place.tenant(settings=settings)
    assert words in await place.not_ready(reason)
    assert health.kstatus(place.seen() or {}) == "Failed"
    stored = "SELECT settings FROM tenancy.tenants WHERE id = $1"
    assert await place.database.value(stored, place.identifier()) == '{"fine": true}'
    async with place.login() as session:  # nothing is lost by it
        assert await session.fetchval("SELECT 1") == 1
    place.tenant()
    await place.ready()


async def test_settings_of_almost_16_kib(place: Place) -> None:
    place.plan()
    place.tenant(settings={"text": "x" * 16_300, "deep": nested(5)})
    await place.ready()


async def test_a_tenant_from_before_the_operator_ran(place: Place, operator: OperatorProcess) -> None:
    operator.stop()
    place.plan()
    place.tenant()
    await until(place.seen)
    assert health.kstatus(place.seen() or {}) == "InProgress"
    operator.start()
    await place.ready()


async def test_a_namespace_that_goes_while_tenants_are_made(place: Place) -> None:
    place.plan()
    names = [f"late-{number}" for number in range(8)]
    for name in names:
        place.tenant(name, deletionPolicy="Delete")
    place.leave()
    await until(lambda: place.api.find(f"/api/v1/namespaces/{place.namespace}") is None, 30)
    left = "SELECT count(*) FROM tenancy.registry WHERE identifier LIKE $1 AND state = 'active'"
    assert await place.database.value(left, place.identifier("late") + "%") == 0
    for name in names:
        assert await place.database.exists(place.identifier(name)) == (False, False)


@pytest.fixture
def alone(shared_operator: OperatorProcess) -> None:
    """Nothing is connected to the database but what the test starts."""
    shared_operator.stop()


async def why_not(plane: ControlPlane, folder: Path, url: str, *words: str) -> str:
    """What an operator with this DATABASE_URL says at /readyz and in its log, once that holds all the words."""
    kubeconfig = plane.kubeconfig_for(NAMESPACE, ACCOUNT)
    process = OperatorProcess(folder, kubeconfig, url, LOG_LEVEL="debug", DATABASE_CONNECTIONS="2")
    process.start(wait=False)
    try:
        await until(lambda: (said := process.get("/readyz"))[0] == 503 and all(word in said[1] for word in words))
        assert process.get("/healthz")[0] == 200
        return process.log.read_text()
    finally:
        process.stop()


async def test_a_wrong_password(alone: None, installed: ControlPlane, database: Database, tmp_path: Path) -> None:
    url = database.operator_url.replace(database.operator.password, "wrong-password")
    said = await why_not(installed, tmp_path, url, "LoginRefused", reasons.LOGIN_REFUSED.advice)
    assert "wrong-password" not in said


async def test_a_server_whose_pg_hba_does_not_let_it_in(
    alone: None, installed: ControlPlane, database: Database, tmp_path: Path
) -> None:
    rules = (database.server.folder / "data" / "pg_hba.conf").read_text()
    database.server.set_hba(f"host all tenancy_operator 127.0.0.1/32 reject\n{rules}")
    try:
        await why_not(installed, tmp_path, database.operator_url, "LoginRefused", "pg_hba.conf")
    finally:
        database.server.set_hba(rules)


async def test_a_database_that_does_not_exist(
    alone: None, installed: ControlPlane, database: Database, tmp_path: Path
) -> None:
    await why_not(installed, tmp_path, database.operator_url + "_not", "does not exist")


async def test_a_database_without_the_kernel(
    alone: None, installed: ControlPlane, database: Database, tmp_path: Path
) -> None:
    url = database.operator_url.rpartition("/")[0] + "/postgres"
    await why_not(installed, tmp_path, url, "KernelMissing", "tenant-manager bootstrap")


@pytest.mark.parametrize("version", [0, 1000])
async def test_an_older_or_newer_kernel(
    alone: None, installed: ControlPlane, database: Database, tmp_path: Path, version: int
) -> None:
    right = await database.value("SELECT version FROM tenancy.kernel")
    await database.run(f"UPDATE tenancy.kernel SET version = {version}")
    try:
        await why_not(
            installed, tmp_path, database.operator_url, "KernelOutdated", f"version {version}", f"needs {right}"
        )
    finally:
        await database.run(f"UPDATE tenancy.kernel SET version = {right}")


async def test_a_copy_of_the_database(alone: None, installed: ControlPlane, database: Database, tmp_path: Path) -> None:
    await database.elsewhere("postgres").run(f"CREATE DATABASE copied TEMPLATE {database.name}")
    before = await database.value("SELECT epoch FROM tenancy.leader")
    try:
        url = database.operator_url.rpartition("/")[0] + "/copied"
        await why_not(installed, tmp_path, url, "DatabaseCopied", "copy of the one that was bootstrapped")
        assert await database.elsewhere("copied").value("SELECT epoch FROM tenancy.leader") == before
    finally:
        await database.elsewhere("postgres").run("DROP DATABASE copied WITH (FORCE)")


async def test_a_host_that_does_not_answer(alone: None, installed: ControlPlane, tmp_path: Path) -> None:
    url = "postgresql://tenancy_operator:some-password@127.0.0.1:1/app"
    said = await why_not(installed, tmp_path, url, "DatabaseUnreachable", reasons.DATABASE_UNREACHABLE.advice)
    assert "some-password" not in said


async def test_after_all_of_it_the_tenants_are_as_before(place: Place) -> None:
    place.plan()
    place.tenant()
    await place.ready()
