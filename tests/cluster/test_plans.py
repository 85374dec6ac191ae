"""A Plan and its Tenants: an edit reaches them all, and none loses anything when the Plan goes."""

import asyncio
import time

import pytest

from tests.cluster import api, health
from tests.cluster.api import Json
from tests.cluster.log import passes
from tests.cluster.place import Place
from tests.cluster.waiting import throughout, until
from tests.servers.operator import OperatorProcess

A_SECOND = 1.0


async def rolled_out(place: Place, plan: str = "gold", generation: int = 1) -> Json:
    """The Plan, once an edit has reached its Tenants, by the rule of `kubectl wait`."""

    def asked() -> Json | None:
        seen = place.plan_seen(plan)
        at = seen and seen["metadata"]["generation"] == generation
        return seen if seen and at and health.kubectl_waits_no_more(seen, "RolledOut") else None

    return await until(asked, told=lambda: place.plan_seen(plan))


async def test_an_edit_reaches_every_tenant(place: Place) -> None:
    names = [f"many-{number}" for number in range(8)]
    place.plan(session={"statementTimeoutSeconds": 10})
    for name in names:
        place.tenant(name)
    await until(lambda: (place.plan_seen() or {}).get("status", {}).get("tenants", {}).get("current") == len(names))

    place.plan(session={"statementTimeoutSeconds": 20}, limits={"users": 3})
    plan = await rolled_out(place, generation=2)
    assert plan["status"]["tenants"] == {"total": len(names), "current": len(names), "stalled": 0}
    for name in names:
        there = await place.until(name, lambda seen: health.is_true(seen, "Ready"))
        assert there["status"]["plan"] == {"name": place.plan_name(), "generation": 2}
        assert there["status"]["limits"] == {"users": 3}
        assert there["metadata"]["generation"] == there["status"]["observedGeneration"] == 1
        async with place.login(name) as session:
            assert await session.fetchval("SHOW statement_timeout") == "20s"
    assert {place.events(name)[-1][0] for name in names} == {"TenantChanged"}


async def test_a_plan_without_tenants_is_rolled_out(place: Place) -> None:
    place.plan()
    plan = await rolled_out(place)
    assert plan["status"]["tenants"] == {"total": 0, "current": 0, "stalled": 0}
    assert health.kstatus(plan) == "Current"


async def test_a_person_does_not_wait_for_a_roll_out(place: Place) -> None:
    names = [f"many-{number}" for number in range(12)]  # more than the operator gives to roll-outs at once
    place.plan()
    for name in names:
        place.tenant(name)
    await until(lambda: (place.plan_seen() or {}).get("status", {}).get("tenants", {}).get("current") == len(names))
    async with place.database.superuser() as superuser, superuser.transaction():
        rows = "SELECT FROM tenancy.registry WHERE identifier LIKE $1 FOR UPDATE"
        await superuser.execute(rows.replace("$1", f"'{place.identifier('many')}%'"))
        place.plan(limits={"connections": 5})
        waits = (
            "SELECT count(*) >= 8 FROM pg_stat_activity WHERE usename = 'tenancy_operator' AND wait_event_type = 'Lock'"
        )
        await until(lambda: superuser.fetchval(waits))
        place.tenant("person")
        await place.ready("person", A_SECOND)
        plan = place.plan_seen() or {}
        assert not health.is_true(plan, "RolledOut")
    await rolled_out(place, generation=2)


async def test_tenants_that_leave_the_plan_are_counted_no_more(place: Place) -> None:
    place.plan()
    place.plan("silver")
    for name in ("stays", "leaves", "changes"):
        place.tenant(name)
    await until(lambda: total(place) == 3)
    place.delete("leaves")
    await until(lambda: total(place) == 2)
    place.tenant("changes", plan="silver")
    await until(lambda: (total(place), total(place, "silver")) == (1, 1))


def total(place: Place, plan: str = "gold") -> int:
    return int((place.plan_seen(plan) or {}).get("status", {}).get("tenants", {}).get("total", 0))


async def test_a_stalled_tenant_is_counted_and_does_not_pass_for_rolled_out(place: Place) -> None:
    place.plan()
    place.tenant("good")
    place.tenant("bad", settings={"large": "x" * 17_000})
    await place.ready("good")
    await place.not_ready("SettingsTooLarge", "bad")
    plan = await until(
        lambda: (
            (seen := place.plan_seen())
            and health.condition(seen, "RolledOut").get("reason") == "TenantsStalled"
            and seen
        )
    )
    assert health.condition(plan, "RolledOut")["status"] == "False"
    assert plan["status"]["tenants"] == {"total": 2, "current": 1, "stalled": 1}


async def test_a_tenant_before_its_plan_heals_within_a_second_of_it(place: Place, operator: OperatorProcess) -> None:
    place.tenant()
    message = await place.not_ready("PlanNotFound")
    assert place.plan_name() in message
    seen = place.seen()
    assert seen is not None
    assert health.is_true(seen, "Reconciling")
    assert health.condition(seen, "PlanFound")["status"] == "False"
    assert await place.database.exists(place.identifier()) == (False, False)
    await until(lambda: len(passes(operator.log, place.namespace, "acme")) >= 4)  # no retry is near any more
    await heals_within_a_second(place)
    assert health.is_true(await place.ready(), "PlanFound")


async def heals_within_a_second(place: Place) -> None:
    started = time.monotonic()
    place.plan()
    await place.until("acme", lambda now: health.is_true(now, "Ready"))
    assert time.monotonic() - started < A_SECOND


async def test_either_order_in_one_apply(place: Place, operator: OperatorProcess) -> None:
    place.tenant("first")
    place.plan()
    place.tenant("last")
    await asyncio.gather(place.ready("first", 2 * A_SECOND), place.ready("last", 2 * A_SECOND))


async def test_a_restart_while_a_tenant_waits_for_its_plan(place: Place, operator: OperatorProcess) -> None:
    place.tenant()
    await place.not_ready("PlanNotFound")
    operator.stop()
    operator.start()
    place.tenant("witness")
    await place.not_ready("PlanNotFound", "witness")  # so the watches are up
    await until(lambda: len(passes(operator.log, place.namespace, "acme")) >= 4)
    await heals_within_a_second(place)
    await place.ready()


async def test_a_plan_that_came_while_the_operator_was_down(place: Place, operator: OperatorProcess) -> None:
    place.tenant("waits")
    await place.not_ready("PlanNotFound", "waits")
    operator.stop()
    place.plan()
    place.tenant("new")
    operator.start()
    await asyncio.gather(place.ready("waits"), place.ready("new"))


async def test_tenants_of_a_deleted_plan_stay_as_they_are_and_follow_again(place: Place) -> None:
    place.plan(limits={"connections": 5}, session={"statementTimeoutSeconds": 10})
    place.tenant()
    before = await place.ready()
    place.api.send("DELETE", api.plans(place.plan_name()))
    seen = await place.until("acme", lambda now: health.condition(now, "PlanFound").get("status") == "False")
    assert health.reason(seen) == ("True", "Ready")
    assert seen["status"]["plan"] == before["status"]["plan"]
    assert seen["status"]["limits"] == before["status"]["limits"]
    await place.event("PlanMissing")

    place.tenant(displayName="Still edited")
    await place.ready()
    name = "SELECT name FROM tenancy.tenants WHERE id = $1"
    assert await place.database.value(name, place.identifier()) == "Still edited"
    await throughout(1.2, lambda: health.is_true(place.seen() or {}, "Ready"))
    assert [reason for reason, _ in place.events()].count("PlanMissing") == 1

    started = time.monotonic()
    place.plan(session={"statementTimeoutSeconds": 20})
    await place.until("acme", lambda now: "connections" not in now["status"].get("limits", {}))
    assert time.monotonic() - started < A_SECOND
    assert health.is_true(await place.ready(), "PlanFound")
    async with place.login() as session:
        assert await session.fetchval("SHOW statement_timeout") == "20s"


async def test_drift_is_repaired_while_the_plan_is_gone(place: Place) -> None:
    place.plan(limits={"connections": 5})
    place.tenant()
    await place.ready()
    place.api.send("DELETE", api.plans(place.plan_name()))
    await place.until("acme", lambda now: health.condition(now, "PlanFound").get("status") == "False")
    await place.database.run(f"ALTER ROLE {place.identifier()} CONNECTION LIMIT 77")
    limit = "SELECT rolconnlimit = 5 FROM pg_roles WHERE rolname = $1"
    await until(lambda: place.database.value(limit, place.identifier()))


async def test_a_restart_while_the_plan_is_gone(place: Place, operator: OperatorProcess) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    place.api.send("DELETE", api.plans(place.plan_name()))
    seen = await place.until("acme", lambda now: health.condition(now, "PlanFound").get("status") == "False")
    operator.stop()
    operator.start()
    place.tenant("new")
    await place.not_ready("PlanNotFound", "new")
    await throughout(1.0, lambda: place.seen() == seen)
    place.plan()
    await asyncio.gather(place.ready("acme", A_SECOND), place.ready("new", A_SECOND))


async def test_the_row_of_a_deleted_plan_goes_with_its_last_tenant(place: Place) -> None:
    place.plan()
    place.tenant(deletionPolicy="Delete")
    await place.ready()
    place.api.send("DELETE", api.plans(place.plan_name()))
    await place.event("PlanMissing")
    row = "SELECT count(*) = 0 FROM tenancy.plans WHERE id = $1"
    assert not await place.database.value(row, place.plan_name())
    place.delete()
    await until(lambda: place.database.value(row, place.plan_name()))


async def test_a_plan_made_again_counts_as_new(place: Place) -> None:
    place.plan(limits={"users": 1})
    place.tenant()
    await place.ready()
    place.api.send("DELETE", api.plans(place.plan_name()))
    place.plan(limits={"users": 2})
    there = await place.until("acme", lambda now: now["status"]["limits"] == {"users": 2})
    assert there["status"]["plan"]["generation"] == 1
    users = "SELECT max_users FROM tenancy.plans WHERE id = $1"
    assert await place.database.value(users, place.plan_name()) == 2


@pytest.mark.parametrize("order", ["plan first", "tenant first"])
async def test_a_tenant_that_changes_to_a_plan_which_is_not_there_keeps_the_old_one(place: Place, order: str) -> None:
    place.plan(limits={"users": 1})
    place.tenant()
    await place.ready()
    if order == "plan first":
        place.plan("silver", limits={"users": 2})
    place.tenant(plan="silver")
    if order == "tenant first":
        await place.not_ready("PlanNotFound")
        async with place.login() as session:
            assert await session.fetchval("SELECT 1") == 1
        place.plan("silver", limits={"users": 2})
    there = await place.ready()
    assert there["status"]["plan"] == {"name": place.plan_name("silver"), "generation": 1}
    assert there["status"]["limits"] == {"users": 2}
