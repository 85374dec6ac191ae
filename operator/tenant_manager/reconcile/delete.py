"""The other path: a Tenant that is being deleted. It creates nothing and writes a status only if it has to wait."""

import asyncio
from dataclasses import dataclass, replace

from tenant_manager.api import reasons
from tenant_manager.api.tenant import DeletionPolicy, default_identifier
from tenant_manager.core.login import EndSessions
from tenant_manager.core.report import Notice
from tenant_manager.core.retention import DeletionStep, DropTables, DropTenant, Retain, deletion
from tenant_manager.core.stopped import Stopped
from tenant_manager.core.tenant import Observed
from tenant_manager.kube import objects, status
from tenant_manager.kube.objects import ABANDON, FINALIZER, KubeObject
from tenant_manager.postgres.tenant import apply, observe
from tenant_manager.reconcile import secret
from tenant_manager.reconcile.cache import Awaited
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.publish import tell


@dataclass(frozen=True, slots=True)
class Deleted:
    """How a deletion went: what is still to be told; `waits`: why the object is still there."""

    notices: tuple[Notice, ...] = ()
    steps: tuple[DeletionStep, ...] = ()
    waits: Stopped | None = None


async def delete(context: Context, thing: KubeObject) -> Deleted:
    """Do what the deletion policy says, then let the object go.

    Raises:
        Stopped: NOT_THE_LEADER alone.
        Outrun, Refused, Unreachable: the API server's part failed; try again.
    """
    if FINALIZER not in thing.finalizers:
        return Deleted()
    if thing.annotations.get(ABANDON) == "true":
        await _release(context, thing)
        return Deleted((Notice.of(reasons.TENANT_ABANDONED, "Let the object go; login and data stay as they are."),))
    try:
        deleted = await _in_the_database(context, thing)
    except Stopped as stopped:
        if stopped.reason is reasons.NOT_THE_LEADER:
            raise
        way_out = f"To let the object go without the database: annotate it with {ABANDON}=true."
        message = f"{stopped.message.rstrip('.')}. {way_out}"
        return Deleted(waits=Stopped(reasons.DELETION_WAITS, message))
    # Told first: the pass after one that is outrun here finds everything done and has nothing to tell.
    await tell(context, thing, deleted.notices)
    context.metrics.count(deleted.notices)
    await _release(context, thing)
    return replace(deleted, notices=())


async def _release(context: Context, thing: KubeObject) -> None:
    """Take the finalizer away. With the last one the object is gone, which a broken watch would never tell."""
    await status.remove_finalizer(context.api, thing)
    known = context.cache.objects.get(thing.key)
    if thing.finalizers == (FINALIZER,) and known is not None and known.uid == thing.uid:
        context.cache.drop(thing.key)
        context.queue.forget(thing.key)
        context.namespaces.pop(str(thing.key.namespace), None)


async def _in_the_database(context: Context, thing: KubeObject) -> Deleted:
    identifier = _identifier(thing)
    if identifier is None:  # it never got as far as PostgreSQL
        return Deleted()
    owner = await context.owner(thing)
    keep = thing.spec.get("deletionPolicy") != DeletionPolicy.DELETE
    steps: tuple[DeletionStep, ...] = ()
    leftovers: tuple[str, ...] = ()
    before: int | None = None  # relations that the last batch left
    while True:
        observed = (await observe(context.database, [identifier])).get(identifier)
        found = None if observed is None else observed.deletable
        if found is not None and any(isinstance(step, DropTables) for step in steps):
            stuck = before is not None and found.relations >= before  # what no batch can drop, DROP SCHEMA can
            before, found = found.relations, replace(found, relations=0) if stuck else found
        agenda = deletion(identifier, owner, keep, found)
        if agenda.steps:
            leftovers += await _take(context, thing, identifier, agenda.steps)
            steps += agenda.steps
        if agenda.again is None:
            if any(isinstance(step, DropTenant) for step in steps):
                await secret.leave_to_the_tenant(context, thing, identifier)
            _tell_who_waits(context, identifier, observed)
            return Deleted(_notices(identifier, steps, leftovers), steps)
        await asyncio.sleep(agenda.again)


async def _take(
    context: Context, thing: KubeObject, identifier: str, steps: tuple[DeletionStep, ...]
) -> tuple[str, ...]:
    try:
        return (await apply(context.database, identifier, thing.generation, steps, context.fresh())).leftovers
    except Stopped as stopped:
        if stopped.reason is not reasons.DATABASE_BUSY:
            raise
    # a session of the tenant holds what is to be dropped; it goes first, in a transaction of its own
    await apply(context.database, identifier, thing.generation, (EndSessions(identifier),), context.fresh())
    return (await apply(context.database, identifier, thing.generation, steps, context.fresh())).leftovers


def _identifier(thing: KubeObject) -> str | None:
    known = objects.tenant_status(thing).identifier or thing.spec.get("identifier")
    return known or default_identifier(thing.key.name)


def _tell_who_waits(context: Context, identifier: str, observed: Observed | None) -> None:
    """The identifier may be free now, and the domain is, also with Retain."""
    domain = observed.catalog.domain if observed is not None and observed.catalog is not None else None
    for awaited in (Awaited("identifier", identifier), Awaited("domain", domain or "")):
        for key in context.cache.who_waits(awaited):
            context.queue.add(key)


def _notices(identifier: str, steps: tuple[DeletionStep, ...], leftovers: tuple[str, ...]) -> tuple[Notice, ...]:
    told: list[Notice] = []
    if any(isinstance(step, Retain) for step in steps):
        told.append(Notice.of(reasons.TENANT_RETAINED, f"Closed the login {identifier}; schema and data are kept."))
    if any(isinstance(step, DropTenant) for step in steps):
        told.append(Notice.of(reasons.TENANT_DROPPED, f"Dropped schema and login {identifier}."))
    if leftovers:
        told.append(Notice(reasons.LEFT_BEHIND.name, " ".join(leftovers), warning=True))
    return tuple(told)
