"""Where kopf calls in. A handler keeps what it saw and queues the key; it decides nothing and writes nothing."""

from typing import Any

import kopf

from tenant_manager.api.base import GROUP, VERSION
from tenant_manager.kube.objects import PLAN, TENANT
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.queue import Lane
from tenant_manager.reconcile.rollout import follow

TENANTS = (GROUP, VERSION, "tenants")
PLANS = (GROUP, VERSION, "plans")


def register(registry: kopf.OperatorRegistry) -> None:
    """Have kopf call the handlers."""
    kopf.on.event(*TENANTS, registry=registry)(tenant_seen)
    kopf.on.event(*PLANS, registry=registry)(plan_seen)


async def tenant_seen(event: kopf.RawEvent, memo: Context, **_: Any) -> None:
    """Created, edited, deleted, listed after a restart: one case."""
    key = memo.cache.seen(TENANT, event["type"], event["object"])
    if key is None:  # nothing that we read has changed
        return
    if event["type"] == "DELETED":
        memo.namespaces.pop(str(key.namespace), None)
    memo.queue.add(key, Lane.SWEEP if event["type"] is None else Lane.PEOPLE)


async def plan_seen(event: kopf.RawEvent, memo: Context, **_: Any) -> None:
    """The same for Plans: their Tenants follow."""
    before = memo.plan_version(event["object"]["metadata"]["name"])
    key = memo.cache.seen(PLAN, event["type"], event["object"])
    if key is not None and memo.plan_version(key.name) != before:  # not for a status that we wrote
        follow(memo, key.name)
