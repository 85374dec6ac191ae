"""Every field that may be edited takes effect when it is."""

import json
from typing import Any

import asyncpg
import pytest

from tests.cluster import health
from tests.cluster.place import Place
from tests.cluster.waiting import throughout, until

ROW = "SELECT * FROM tenancy.tenants WHERE id = $1"


async def changed(place: Place, **spec: Any) -> dict[str, Any]:
    """The catalog's row after the Tenant was applied once more and is Ready again."""
    place.tenant(**spec)
    await place.ready()
    row = await place.database.row(ROW, place.identifier())
    assert row is not None
    return row


@pytest.fixture
async def acme(place: Place) -> Place:
    place.plan(limits={"connections": 5, "users": 10})
    place.tenant()
    await place.ready()
    return place


async def test_the_display_name(acme: Place) -> None:
    assert (await changed(acme, displayName="Acme"))["name"] == "Acme"
    assert (await changed(acme, displayName='Acme\'s "new" name'))["name"] == 'Acme\'s "new" name'
    assert (await changed(acme))["name"] == "acme"


async def test_the_domain(acme: Place) -> None:
    one, two = f"one.{acme.namespace}.com", f"two.{acme.namespace}.com"
    assert (await changed(acme, domain=one))["domain"] == one
    assert (await changed(acme, domain=two))["domain"] == two
    assert (await changed(acme))["domain"] is None


async def test_the_settings(acme: Place) -> None:
    deep = {"theme": "dark", "deep": [{"a": None, "ü": "😀", "n": 1.5}]}
    assert json.loads((await changed(acme, settings=deep))["settings"]) == deep
    assert json.loads((await changed(acme, settings={"theme": "light"}))["settings"]) == {"theme": "light"}
    assert json.loads((await changed(acme))["settings"]) == {}


async def test_limits_lower_what_the_plan_grants_and_never_raise_it(acme: Place) -> None:
    row = await changed(acme, limits={"connections": 1, "users": 1000, "storage": "1Gi"})
    assert json.loads(row["limits"]) == {"connections": 1, "users": 10, "storage": "1Gi"}
    seen = acme.seen()
    assert seen is not None
    assert seen["status"]["limits"] == {"connections": 1, "users": 10, "storage": "1Gi"}
    async with acme.login():
        with pytest.raises(asyncpg.TooManyConnectionsError):
            async with acme.login():
                pass
    assert json.loads((await changed(acme))["limits"]) == {"connections": 5, "users": 10}
    resources = "SELECT resource_type FROM tenancy.tenant_resources WHERE tenant_id = $1 ORDER BY 1"
    assert await acme.database.column(resources, acme.identifier()) == ["connections", "users"]


async def test_used_resources_survive_an_edit(acme: Place) -> None:
    update = "UPDATE tenancy.tenant_resources SET used = 3 WHERE tenant_id = '{}' AND resource_type = 'users'"
    await acme.database.run(update.format(acme.identifier()))
    await changed(acme, limits={"users": 4})
    used = "SELECT used FROM tenancy.tenant_resources WHERE tenant_id = $1 AND resource_type = 'users'"
    assert await acme.database.value(used, acme.identifier()) == 3


async def test_the_plan(acme: Place) -> None:
    acme.plan("silver", limits={"connections": 2}, session={"statementTimeoutSeconds": 7, "workMem": "1Mi"})
    acme.tenant(plan="silver")
    there = await acme.until("acme", lambda seen: seen["status"]["plan"]["name"] == acme.plan_name("silver"))
    assert there["status"]["limits"] == {"connections": 2}
    await acme.ready()
    async with acme.login() as session:
        assert await session.fetchval("SHOW statement_timeout") == "7s"
    acme.tenant()
    await acme.until("acme", lambda seen: seen["status"]["plan"]["name"] == acme.plan_name())
    await acme.ready()
    async with acme.login() as session:
        assert await session.fetchval("SHOW statement_timeout") == "0"
        assert await session.fetchval("SHOW work_mem") == "4MB"


async def test_an_edit_makes_one_event_and_keeps_the_password(acme: Place) -> None:
    before = acme.secret()
    await changed(acme, displayName="Acme")
    assert "SetCatalog" in await acme.event("TenantChanged")
    await throughout(1.5, lambda: [reason for reason, _ in acme.events()] == ["TenantCreated", "TenantChanged"])
    assert acme.secret() == before


async def test_the_identifier_cannot_change(acme: Place) -> None:
    with pytest.raises(Exception, match=r"spec\.identifier. cannot be changed"):
        acme.tenant(identifier=acme.identifier("other"))


async def test_edits_in_quick_succession_end_in_the_last(acme: Place) -> None:
    for number in range(20):
        last = acme.tenant(displayName=f"Name {number}", settings={"number": number})
    generation = last["metadata"]["generation"]
    await until(lambda: (seen := acme.seen()) and seen["status"]["observedGeneration"] == generation)
    there = await acme.ready()
    assert health.condition(there, "Ready")["observedGeneration"] == generation
    row = await acme.database.row(ROW, acme.identifier())
    assert row is not None
    assert (row["name"], json.loads(row["settings"])) == ("Name 19", {"number": 19})


async def test_labels_and_annotations_of_others_change_nothing(acme: Place) -> None:
    before = acme.seen()
    assert before is not None
    path = f"/apis/tenancy.neostack.io/v1/namespaces/{acme.namespace}/tenants/acme"
    acme.api.patch(path, {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}})
    seen = await acme.until("acme", lambda now: "labels" in now["metadata"])
    await throughout(0.5, lambda: acme.seen() == seen)
    assert seen["status"] == before["status"]
