"""What the annotations do, and that the status is the operator's and nothing else is."""

import asyncio
from itertools import groupby

from tests.cluster import api, health
from tests.cluster.place import Place
from tests.cluster.waiting import throughout, until
from tests.servers.controlplane import ControlPlane
from tests.servers.operator import OperatorProcess

NAME = "SELECT name FROM tenancy.tenants WHERE id = $1"


async def test_every_condition_is_there_from_the_first_write(place: Place) -> None:
    place.tenant()
    await place.not_ready("PlanNotFound")
    place.plan()
    await place.ready()
    versions = next(seen for key, seen in place.recorder.of("Tenant") if key.namespace == place.namespace)
    assert versions[0]["status"] == {"observedGeneration": -1}
    assert health.kstatus(versions[0]) == "InProgress"
    told = [version["status"]["conditions"] for version in versions if version["status"]["observedGeneration"] > 0]
    flags = [{item["type"]: item["status"] for item in conditions} for conditions in told]
    assert [said for said, _ in groupby(flags)] == [
        {"Ready": "False", "Reconciling": "True", "Stalled": "False", "PlanFound": "False"},
        {"Ready": "True", "Reconciling": "False", "Stalled": "False", "PlanFound": "True"},
    ]


async def test_kubectl_waits_for_the_edit_and_not_for_what_was_before(
    place: Place, installed: ControlPlane, operator: OperatorProcess
) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    tenant, plan = "tenant.v1.tenancy.neostack.io/acme", f"plan.v1.tenancy.neostack.io/{place.plan_name()}"
    for number in range(3):
        place.tenant(displayName=f"Name {number}")
        installed.kubectl("wait", "--for=condition=Ready", tenant, f"--namespace={place.namespace}", "--timeout=10s")
        assert await place.database.value(NAME, place.identifier()) == f"Name {number}"
    place.plan(limits={"users": 3})
    installed.kubectl("wait", "--for=condition=RolledOut", plan, "--timeout=10s")
    limit = "SELECT limit_value FROM tenancy.tenant_resources WHERE tenant_id = $1"
    assert await place.database.value(limit, place.identifier()) == 3


async def test_a_paused_tenant_stays_as_it_is(place: Place) -> None:
    place.plan(limits={"connections": 5})
    place.tenant()
    before = await place.ready()
    place.annotate("acme", paused="true")
    there = await place.until("acme", lambda seen: health.is_true(seen, "Paused"))
    assert health.reason(there) == ("True", "Paused")
    assert health.kstatus(there) == "Current"
    assert health.argo(there) == "Suspended"
    assert (
        health.condition(there, "Ready")["lastTransitionTime"]
        == (health.condition(before, "Ready")["lastTransitionTime"])
    )

    place.api.patch(api.tenants(place.namespace, "acme"), {"spec": {"displayName": "New", "access": "Suspended"}})
    place.plan(limits={"connections": 6})
    await place.database.run(f"ALTER ROLE {place.identifier()} CONNECTION LIMIT 77")
    await place.until("acme", lambda seen: seen["metadata"]["generation"] == 2)
    row = "SELECT rolconnlimit, rolcanlogin FROM pg_roles WHERE rolname = $1"
    await asyncio.sleep(1.5)  # more than a scan; whatever happens in it must not
    assert await place.database.row(row, place.identifier()) == {"rolconnlimit": 77, "rolcanlogin": True}
    assert await place.database.value(NAME, place.identifier()) == "acme"

    place.annotate("acme", paused=None)
    there = await place.until("acme", lambda seen: health.reason(seen) == ("True", "Suspended"))
    assert not health.condition(there, "Paused")
    assert there["status"]["limits"] == {"connections": 6}
    assert await place.database.row(row, place.identifier()) == {"rolconnlimit": 6, "rolcanlogin": False}
    assert await place.database.value(NAME, place.identifier()) == "New"


async def test_a_tenant_that_begins_paused_is_not_made(place: Place) -> None:
    place.plan()
    place.tenant(annotations={"tenancy.neostack.io/paused": "true"})
    there = await place.until("acme", lambda seen: health.is_true(seen, "Paused"))
    assert health.reason(there) == ("False", "Paused")
    await throughout(0.5, lambda: place.seen() == there)
    assert await place.database.exists(place.identifier()) == (False, False)
    place.annotate("acme", paused=None)
    await place.ready()


async def test_only_the_word_true_pauses(place: Place) -> None:
    place.plan()
    place.tenant(annotations={"tenancy.neostack.io/paused": "false"})
    await place.ready()


async def test_a_requested_pass_is_made_and_acknowledged(place: Place) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    path = api.secrets(place.namespace, "acme-connection")
    before = place.secret()
    place.api.patch(path, {"stringData": {"host": "elsewhere"}})
    place.annotate("acme", reconcile_requested_at="2026-01-01T00:00:00Z")
    handled = "lastHandledReconcileAt"
    await place.until("acme", lambda seen: seen["status"].get(handled) == "2026-01-01T00:00:00Z")
    assert place.secret() == before
    place.annotate("acme", reconcile_requested_at="again")
    await place.until("acme", lambda seen: seen["status"].get(handled) == "again")


async def test_a_status_that_somebody_else_wrote_is_set_right(place: Place) -> None:
    place.plan()
    place.tenant()
    before = await place.ready()
    path = f"{api.tenants(place.namespace, 'acme')}/status"
    lie = {"type": "Ready", "status": "False", "reason": "Lie", "message": "", "observedGeneration": 1}
    lie["lastTransitionTime"] = "2020-01-01T00:00:00Z"
    place.api.patch(path, {"status": {"conditions": [lie], "observedGeneration": 1}})
    there = await place.until("acme", lambda seen: health.is_true(seen, "Ready"))
    assert {item["type"]: item["status"] for item in there["status"]["conditions"]} == {
        item["type"]: item["status"] for item in before["status"]["conditions"]
    }
    place.api.patch(path, {"status": None})
    there = await place.until("acme", lambda seen: health.is_true(seen, "Ready"))
    assert there["status"]["identifier"] == place.identifier()


async def test_a_finalizer_that_was_taken_away_is_put_back(place: Place) -> None:
    place.plan()
    place.tenant()
    before = await place.ready()
    place.api.patch(api.tenants(place.namespace, "acme"), {"metadata": {"finalizers": None}})
    await until(lambda: (place.seen() or {})["metadata"].get("finalizers") == before["metadata"]["finalizers"])
    assert before["metadata"]["finalizers"] == ["tenancy.neostack.io/tenant"]


async def test_an_object_that_was_replaced_is_taken_as_it_is(place: Place) -> None:
    """As `kubectl replace`, or a restore from a backup: without annotations, finalizer and managed fields."""
    place.plan()
    place.tenant()
    there = await place.ready()
    before = place.secret()
    keep = {"name": "acme", "namespace": place.namespace, "resourceVersion": there["metadata"]["resourceVersion"]}
    place.api.send("PUT", api.tenants(place.namespace, "acme"), there | {"metadata": keep})
    await until(lambda: (place.seen() or {})["metadata"].get("finalizers") == ["tenancy.neostack.io/tenant"])
    await place.ready()
    assert place.secret() == before


async def test_a_tenant_made_again_without_waiting_for_the_end_of_the_first(place: Place) -> None:
    place.plan()
    place.tenant()
    before = place.seen()
    await place.ready()
    secret = place.secret()
    place.delete()
    await place.gone()
    place.tenant()
    there = await place.ready()
    assert before is None or there["metadata"]["uid"] != before["metadata"]["uid"]
    assert place.secret() == secret
