"""Where kopf calls in. A handler keeps what it saw and queues the key; it decides nothing and writes nothing."""

from typing import Any

import kopf

from tenant_manager.api.base import GROUP, VERSION
from tenant_manager.kube.objects import PLAN, TENANT, Key, parse
from tenant_manager.reconcile.cache import plan_name
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.queue import Lane
from tenant_manager.reconcile.rollout import follow
from tenant_manager.reconcile.work import PLAN_AGAIN

TENANTS = (GROUP, VERSION, "tenants")
PLANS = (GROUP, VERSION, "plans")


def register(registry: kopf.OperatorRegistry) -> None:
    """Have kopf call the handlers."""
    kopf.on.event(*TENANTS, registry=registry)(tenant_seen)
    kopf.on.event(*PLANS, registry=registry)(plan_seen)


async def tenant_seen(event: kopf.RawEvent, memo: Context, **_: Any) -> None:
    """Created, edited, deleted, listed after a restart: one case."""
    known = memo.cache.objects.get(parse(TENANT, event["object"]).key)
    key = memo.cache.seen(TENANT, event["type"], event["object"])
    if key is None:  # nothing that we read has changed
        return
    now = memo.cache.objects.get(key)
    if known is not None and (now is None or plan_name(now) != plan_name(known)):
        memo.queue.add_later(Key(PLAN, plan_name(known)), PLAN_AGAIN)  # it has one Tenant less
    if event["type"] == "DELETED":
        memo.namespaces.pop(str(key.namespace), None)
    memo.queue.add(key, Lane.SWEEP if event["type"] is None else Lane.PEOPLE)


async def plan_seen(event: kopf.RawEvent, memo: Context, **_: Any) -> None:
    """The same for Plans: their Tenants follow."""
    before = memo.plan_version(event["object"]["metadata"]["name"])
    key = memo.cache.seen(PLAN, event["type"], event["object"])
    if key is not None and memo.plan_version(key.name) != before:  # not for a status that we wrote
        follow(memo, key.name)
