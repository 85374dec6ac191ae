"""Drift: one query over all tenants, compared in memory; those that differ are queued. Runs at start and on a clock."""

import asyncio
from typing import Final

import structlog

from tenant_manager.core import tenant
from tenant_manager.core.identity import ACTIVE
from tenant_manager.core.retention import DropLeftover, MarkAbandoned
from tenant_manager.core.stopped import Stopped
from tenant_manager.core.tenant import Observed
from tenant_manager.kube import objects
from tenant_manager.kube.objects import PAUSED, PLAN, TENANT, Key, KubeObject
from tenant_manager.postgres import catalog, retention
from tenant_manager.postgres import plan as plan_rows
from tenant_manager.postgres.call import run
from tenant_manager.postgres.credentials import changed_passwords
from tenant_manager.postgres.tenant import apply, observe
from tenant_manager.reconcile.cache import Awaited
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.look import identifier_of, plan_of
from tenant_manager.reconcile.queue import Lane
from tenant_manager.reconcile.rollout import follow_vanished

SMALLEST_SAMPLE, LARGEST_SAMPLE = 10, 50  # logins tried in one scan
LEFTOVERS_WITHIN: Final = 5.0  # seconds of one scan
CHUNK: Final = 100  # tenants compared before others get their turn

log = structlog.get_logger("tenant_manager")


async def scan(context: Context) -> None:
    """Look at everything once.

    Raises:
        Stopped: the database cannot be used now.
        Refused, Unreachable: the API server's part failed.
    """
    await follow_vanished(context)
    context.stored_plans = await plan_rows.stored(context.database)
    context.changed_passwords = await changed_passwords(context.database)
    held = await observe(context.database)
    await _queue_what_differs(context, held)
    _queue_sample(context)
    _queue_who_may_go_on(context, held)
    _queue_plans(context, held)
    await _mark_abandoned(context, held)
    left = await _drop_leftovers(context)
    context.metrics.scanned(held, left, await catalog.used(context.database))


async def _queue_what_differs(context: Context, held: dict[str, Observed]) -> None:
    for number, thing in enumerate(context.cache.tenants()):
        if number % CHUNK == CHUNK - 1:
            await asyncio.sleep(0)
        if not context.queue.is_busy(thing.key) and _differs(context, thing, held):
            context.queue.add(thing.key, Lane.SWEEP)


def _queue_sample(context: Context) -> None:
    """Where nobody may compare verifiers, a login with the Secret's password tells: some Tenants in each scan."""
    if context.database.audited:
        return
    keys = sorted((thing.key for thing in context.cache.tenants() if not thing.deleting), key=str)
    if not keys:
        return
    size = min(LARGEST_SAMPLE, max(SMALLEST_SAMPLE, len(keys) // 10))
    start = context.sampled % len(keys)
    context.sampled = start + size
    for key in (keys + keys)[start : start + min(size, len(keys))]:
        context.to_try.add(key)
        context.queue.add(key, Lane.SWEEP)


def _differs(context: Context, thing: KubeObject, held: dict[str, Observed]) -> bool:
    """Whether a Tenant that was as it should be is so no more; what waits or stalls comes up by itself."""
    known = objects.tenant_status(thing)
    if thing.deleting or thing.annotations.get(PAUSED) == "true" or known.identifier is None:
        return False
    observed = held.get(known.identifier)
    if observed is None or known.identifier in context.changed_passwords:
        return True
    try:
        spec = objects.tenant_spec(thing)
        plan, _ = plan_of(context, thing, observed)
        wanted = tenant.desired(identifier_of(thing, spec), observed.registration.owner, spec, plan)
        return bool(tenant.diff(wanted, observed, password_stands=True).steps)
    except Stopped:
        return not any(item.type == "Stalled" and item.status == "True" for item in known.conditions)


def _queue_who_may_go_on(context: Context, held: dict[str, Observed]) -> None:
    """An administrator may have purged, released or renamed what a Tenant waits for."""
    taken = {observed.catalog.domain for observed in held.values() if observed.catalog is not None}
    for kind, names in (("identifier", set(held)), ("domain", taken)):
        for name in context.cache.everything_awaited(kind):
            observed = held.get(name) if kind == "identifier" else None
            if name not in names or (observed is not None and observed.registration.released_to is not None):
                for key in context.cache.who_waits(Awaited(kind, name)):
                    context.queue.add(key, Lane.SWEEP)


def _queue_plans(context: Context, held: dict[str, Observed]) -> None:
    """Plans whose row is not the Plan's, and rows of Plans that are gone, unless a tenant still has them."""
    in_use = {observed.catalog.plan for observed in held.values() if observed.catalog is not None}
    names = {thing.key.name: (thing.uid, thing.generation) for thing in context.cache.plans()}
    rows = {name: (plan.uid, plan.generation) for name, plan in context.stored_plans.items()}
    for name in {name for name in names.keys() | rows.keys() if names.get(name) != rows.get(name)}:
        if name in names or not (name in in_use or context.cache.tenants_of(name)):
            context.queue.add(Key(PLAN, name), Lane.SWEEP)


async def _mark_abandoned(context: Context, held: dict[str, Observed]) -> None:
    """Active tenants of this cluster that have no object: let go by annotation, or by hand.

    Looked at twice: a deletion may have ended since the scan's one query.
    """
    suspects = [identifier for identifier, observed in held.items() if _has_no_object(context, identifier, observed)]
    again = await observe(context.database, suspects) if suspects else {}
    for identifier, observed in again.items():
        if _has_no_object(context, identifier, observed):
            step = MarkAbandoned(identifier, abandoned=True)
            await apply(context.database, identifier, 0, (step,), context.fresh())
            owner = observed.registration.owner
            where = {"namespace": owner.namespace, "name": owner.name}
            log.warning("a tenant has no object any more", identifier=identifier, **where)


def _has_no_object(context: Context, identifier: str, observed: Observed) -> bool:
    registration = observed.registration
    owner = registration.owner
    if registration.state != ACTIVE or registration.abandoned or owner.cluster != context.settings.cluster_name:
        return False
    thing = context.cache.objects.get(Key(TENANT, owner.name, owner.namespace))
    elsewhere = context.namespaces.get(owner.namespace, owner.namespace_uid) != owner.namespace_uid
    # One that was edited before its first status was written has another identifier than the pass gave it.
    another = thing is not None and objects.tenant_status(thing).identifier not in {None, identifier}
    return thing is None or elsewhere or another


async def _drop_leftovers(context: Context) -> int:
    """Try again to drop the roles that could not be dropped with their tenants; how many are left.

    Not all of them in one scan where a lock keeps each for seconds: one tenant can cause many.
    """
    roles = await retention.leftovers(context.database)
    remaining, deadline = len(roles), context.queue.clock() + LEFTOVERS_WITHIN
    for role in roles:
        if (await run(context.database, [retention.call(DropLeftover(role))])).statements:
            log.info("dropped a role that was left behind", role=role)
            remaining -= 1
        if context.queue.clock() > deadline:
            break
    return remaining
