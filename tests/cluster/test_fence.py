"""A second operator, started by mistake or while the first one sleeps: the first writes nothing more, and says so."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from tests.cluster import health
from tests.cluster.audit import Audit
from tests.cluster.conftest import OPERATOR
from tests.cluster.log import lines
from tests.cluster.place import Place
from tests.cluster.test_process import metrics
from tests.cluster.waiting import never, until
from tests.servers.controlplane import ControlPlane
from tests.servers.operator import ACCOUNT, NAMESPACE, OperatorProcess


@pytest.fixture
def second(
    installed: ControlPlane, place: Place, operator: OperatorProcess, servers_folder: Path
) -> Iterator[OperatorProcess]:
    """Not started yet. In the end both are ended, so that the next test starts the first one anew."""
    kubeconfig = installed.kubeconfig_for(NAMESPACE, ACCOUNT)
    process = OperatorProcess(servers_folder / "second", kubeconfig, place.database.operator_url, **OPERATOR)
    yield process
    process.stop()
    operator.stop()


async def is_fenced(operator: OperatorProcess) -> None:
    await until(lambda: metrics(operator)["tenancy_fenced"] == 1)
    assert operator.get("/readyz") == (503, "another operator has the lead; this one writes nothing more\n")
    assert operator.get("/healthz")[0] == 200
    said = [line["level"] for line in lines(operator.log) if line["msg"].startswith("another operator has the lead")]
    assert set(said) == {"error"}


async def test_the_first_says_so_and_does_not_end(
    place: Place, operator: OperatorProcess, second: OperatorProcess
) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    before = place.secret()
    second.start()
    await is_fenced(operator)
    place.tenant("new")
    await place.ready("new")
    assert operator.pid is not None
    assert place.secret() == before
    said = [line for line in lines(second.log) if line["msg"] == "the database is usable"]
    epoch = await place.database.value("SELECT epoch FROM tenancy.leader")
    assert [line["epoch"] for line in said] == [epoch]


async def test_alone_again_it_still_writes_nothing(
    place: Place, operator: OperatorProcess, second: OperatorProcess, audit: Audit
) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    second.start()
    await is_fenced(operator)
    second.stop()
    mark, before = audit.mark(), await place.database.last_xid()
    place.tenant(displayName="Edited")
    place.tenant("new")
    place.delete("acme")
    await never(4.0, lambda: audit.since(mark, lambda asked: asked.stored))
    assert await place.database.last_xid() == before
    assert operator.pid is not None
    assert not operator.is_ready()

    operator.stop()  # by a person, who then starts it on purpose
    operator.start()
    await asyncio.gather(place.ready("new"), place.gone("acme"))


async def test_one_that_sleeps_in_the_middle_of_its_work(
    place: Place, operator: OperatorProcess, second: OperatorProcess
) -> None:
    place.plan()
    names = [f"many-{number}" for number in range(20)]
    for name in names:
        place.tenant(name)
    await until(lambda: any(health.is_true(place.seen(name) or {}, "Ready") for name in names))
    assert operator.pid is not None
    os.kill(operator.pid, signal.SIGSTOP)
    second.start()
    await until(lambda: all(health.is_true(place.seen(name) or {}, "Ready") for name in names), 30)
    os.kill(operator.pid, signal.SIGCONT)
    await is_fenced(operator)
    for name in names:  # a Secret that it was about to write is set right by the next check
        await until(lambda name=name: logs_in(place, name))  # type: ignore[misc]
    count = "SELECT count(*) FROM tenancy.history WHERE identifier LIKE $1 AND outcome = 'created'"
    assert await place.database.value(count, place.identifier("many") + "%") == len(names)


async def logs_in(place: Place, name: str) -> bool:
    with suppress(asyncpg.InvalidPasswordError):
        async with place.login(name):
            return True
    return False
