"""A restart with everything in order writes nothing, and finds what happened meanwhile."""

import asyncio

import pytest

from tests.cluster import api, health
from tests.cluster.audit import Audit
from tests.cluster.log import lines
from tests.cluster.place import Place
from tests.cluster.waiting import never, until
from tests.servers.operator import OperatorProcess


@pytest.fixture
async def quiet(place: Place) -> Place:
    """Tenants in every state that is in order, and nobody else's that are still on their way out."""
    place.plan(limits={"connections": 5}, session={"statementTimeoutSeconds": 10, "workMem": "2Mi"})
    place.plan("gone")
    place.plan("unused")
    place.tenant("plain")
    place.tenant(
        "full", domain=f"{place.namespace}.example.com", limits={"users": 3, "storage": "1Gi"}, settings={"a": 1}
    )
    place.tenant("suspended", access="Suspended", deletionPolicy="Delete")
    place.tenant("paused")
    place.tenant("planless", plan="gone")
    place.tenant("deleted")
    names = ("plain", "full", "suspended", "paused", "planless", "deleted")
    await asyncio.gather(*(place.ready(name) for name in names))
    place.annotate("paused", paused="true")
    place.api.send("DELETE", api.plans(place.plan_name("gone")))
    place.delete("deleted")
    await place.gone("deleted")
    await place.until("paused", lambda seen: health.is_true(seen, "Paused"))
    await place.until("planless", lambda seen: health.condition(seen, "PlanFound")["status"] == "False")
    await until(lambda: place.recorder.namespaces("Tenant") == {place.namespace}, seconds=40)
    return place


def has_looked_at_everything(operator: OperatorProcess, place: Place, offset: int) -> bool:
    """Whether there was a pass of each Tenant since the log had so many bytes."""
    seen = {line.get("name") for line in lines(operator.log, offset) if line.get("namespace") == place.namespace}
    return {"plain", "full", "suspended", "paused", "planless"} <= seen


async def test_it_writes_nothing_and_takes_one_transaction_id(
    quiet: Place, operator: OperatorProcess, audit: Audit
) -> None:
    async def no_write_for_a_while() -> bool:
        mark = audit.mark()
        await asyncio.sleep(1.5)
        return not audit.since(mark, lambda asked: asked.stored)

    await until(no_write_for_a_while, seconds=30)
    operator.stop()
    mark, before, said = audit.mark(), await quiet.database.last_xid(), operator.log.stat().st_size
    operator.start()
    await until(lambda: has_looked_at_everything(operator, quiet, said))
    await never(2.5, lambda: audit.since(mark, lambda asked: asked.stored))  # and some scans
    assert await quiet.database.last_xid() - before == 1
    asked = {(a.verb, a.resource) for a in audit.since(mark) if a.verb not in {"get", "list", "watch"}}
    assert asked == {("patch", "secrets"), ("create", "secrets")}  # dry runs: the checks, and that of the policy
    assert {line["msg"] for line in lines(operator.log, said) if line["level"] in {"warning", "error"}} == set()


async def test_it_finds_what_happened_meanwhile(place: Place, operator: OperatorProcess) -> None:
    names = ("edited", "deleted", "drifted", "suspended", "stripped")
    place.plan(limits={"connections": 5})
    for name in names:
        place.tenant(name, deletionPolicy="Delete")
    await asyncio.gather(*(place.ready(name) for name in names))
    operator.stop()
    place.tenant("edited", displayName="Edited")
    place.tenant("suspended", access="Suspended")
    place.tenant("new")
    place.delete("deleted")
    place.api.send("DELETE", stripped := api.secrets(place.namespace, "stripped-connection"))
    await place.database.run(f"ALTER ROLE {place.identifier('drifted')} CONNECTION LIMIT 77")
    place.plan(limits={"connections": 6})
    operator.start()
    await until(lambda: place.api.find(stripped))
    await asyncio.gather(place.gone("deleted"), *(place.ready(name) for name in ("edited", "new", "stripped")))
    await place.until("suspended", lambda seen: health.reason(seen) == ("True", "Suspended"))
    assert await place.database.exists(place.identifier("deleted")) == (False, False)
    limits = "SELECT rolconnlimit FROM pg_roles WHERE rolname LIKE $1 || '%'"
    await until(lambda: _are_all(place, limits, 6))


async def _are_all(place: Place, sql: str, expected: object) -> bool:
    return set(await place.database.column(sql, place.identifier(""))) == {expected}


async def test_a_crash_in_the_middle_of_many_new_tenants(place: Place, operator: OperatorProcess) -> None:
    place.plan()
    names = [f"many-{number}" for number in range(15)]
    for name in names:
        place.tenant(name)
    operator.kill()
    operator.start()
    await asyncio.gather(*(place.ready(name) for name in names))
    orphans = "SELECT count(*) FROM pg_roles WHERE rolname LIKE $1"
    assert await place.database.value(orphans, place.identifier("many") + "%") == len(names)
