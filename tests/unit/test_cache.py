"""The cache: the newest version counts, whoever brings it; and our own writes make no work."""

from dataclasses import replace
from typing import Any

from tenant_manager.kube.objects import PAUSED, PLAN, TENANT, Key, parse
from tenant_manager.reconcile.cache import Awaited, Cache

ACME = Key(TENANT, "acme", "customers")


def a_tenant(version: int, plan: str = "gold", uid: str = "uid-1", **more: Any) -> dict[str, Any]:
    metadata = {"name": "acme", "namespace": "customers", "uid": uid, "resourceVersion": str(version), "generation": 1}
    metadata |= {"creationTimestamp": "2026-01-01T00:00:00Z"} | more.pop("metadata", {})
    return {"metadata": metadata, "spec": {"planRef": {"name": plan}}, **more}


def test_an_older_version_never_comes_back() -> None:
    cache = Cache()
    assert cache.seen(TENANT, None, a_tenant(5, "gold")) == ACME
    assert cache.seen(TENANT, "MODIFIED", a_tenant(4, "free")) is None
    assert cache.objects[ACME].spec == {"planRef": {"name": "gold"}}


def test_our_own_write_makes_no_work_when_the_watch_brings_it() -> None:
    cache = Cache()
    cache.seen(TENANT, None, a_tenant(5))
    written = a_tenant(6, status={"observedGeneration": 1})
    cache.put_ours(parse(TENANT, written))
    assert cache.seen(TENANT, "MODIFIED", written) is None


def test_our_own_write_makes_no_work_when_the_watch_brings_it_before_the_answer() -> None:
    cache = Cache()
    cache.seen(TENANT, None, a_tenant(5))
    written, overtaken = a_tenant(6, status={"observedGeneration": 1}), a_tenant(7, status={"observedGeneration": 2})
    cache.writing(replace(cache.objects[ACME], status=written["status"]))
    assert cache.seen(TENANT, "MODIFIED", written) is None
    assert cache.seen(TENANT, "MODIFIED", overtaken) == ACME
    cache.put_ours(parse(TENANT, written))
    assert cache.objects[ACME].resource_version == 7


def test_a_label_of_somebody_else_makes_no_work_and_our_annotations_do() -> None:
    cache = Cache()
    cache.seen(TENANT, None, a_tenant(5))
    assert cache.seen(TENANT, "MODIFIED", a_tenant(6, metadata={"labels": {"team": "x"}})) is None
    assert cache.seen(TENANT, "MODIFIED", a_tenant(7, metadata={"annotations": {"other": "x"}})) is None
    assert cache.seen(TENANT, "MODIFIED", a_tenant(8, metadata={"annotations": {PAUSED: "true"}})) == ACME


def test_a_status_that_somebody_else_wrote_is_looked_at() -> None:
    cache = Cache()
    cache.seen(TENANT, None, a_tenant(5))
    assert cache.seen(TENANT, "MODIFIED", a_tenant(6, status={"observedGeneration": 9})) == ACME


def test_an_answer_to_a_write_does_not_bring_a_deleted_object_back() -> None:
    cache = Cache()
    cache.seen(TENANT, None, a_tenant(5))
    cache.seen(TENANT, "DELETED", a_tenant(7))
    cache.put_ours(parse(TENANT, a_tenant(6)))
    assert ACME not in cache.objects


def test_the_end_of_an_object_does_not_touch_the_one_made_since() -> None:
    cache = Cache()
    cache.seen(TENANT, None, a_tenant(5))
    cache.seen(TENANT, "ADDED", a_tenant(9, uid="uid-2"))
    assert cache.seen(TENANT, "DELETED", a_tenant(7)) is None
    assert cache.objects[ACME].uid == "uid-2"


def test_the_tenants_of_a_plan_follow_an_edit_of_planref() -> None:
    cache = Cache()
    cache.seen(TENANT, None, a_tenant(5, "gold"))
    assert [thing.key for thing in cache.tenants_of("gold")] == [ACME]
    cache.seen(TENANT, "MODIFIED", a_tenant(6, "free"))
    assert (cache.tenants_of("gold"), [thing.key for thing in cache.tenants_of("free")]) == ([], [ACME])


def test_who_waits_is_found_by_what_it_waits_for() -> None:
    cache = Cache()
    plan, domain = Awaited("plan", "gold"), Awaited("domain", "acme.example.com")
    cache.wait(ACME, plan)
    assert cache.who_waits(plan) == [ACME]
    cache.wait(ACME, domain)
    assert (cache.who_waits(plan), cache.who_waits(domain)) == ([], [ACME])
    assert cache.everything_awaited("domain") == ["acme.example.com"]
    cache.drop(ACME)
    assert cache.who_waits(domain) == []


def test_plans_and_tenants_are_kept_apart() -> None:
    cache = Cache()
    cache.seen(TENANT, None, a_tenant(5))
    body = a_tenant(6)
    del body["metadata"]["namespace"]
    cache.seen(PLAN, None, body)
    assert (len(cache.tenants()), len(cache.plans())) == (1, 1)
