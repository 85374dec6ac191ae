"""Outcome -> status and Events. Nothing is written when nothing changed."""

import asyncio
from dataclasses import replace

from tenant_manager.api import conditions
from tenant_manager.api.conditions import Condition
from tenant_manager.api.tenant import Binding, DatabaseStatus, TenantStatus
from tenant_manager.core import report
from tenant_manager.core.outcome import Outcome
from tenant_manager.core.report import Notice
from tenant_manager.core.stopped import Stopped
from tenant_manager.kube import events, objects, status
from tenant_manager.kube.client import Unreachable
from tenant_manager.kube.objects import REQUESTED, KubeObject
from tenant_manager.reconcile.context import Context


async def publish(context: Context, thing: KubeObject, outcome: Outcome) -> None:
    """Write what came of a pass.

    Raises:
        Gone, Outrun, Refused, Unreachable: the API server's part failed; the next pass says it again.
    """
    latest = _latest(context, thing)
    before = objects.tenant_status(latest)
    after = _status(context, thing, before, outcome)
    notices = report.notices(outcome, before.conditions)
    await asyncio.gather(_write(context, latest, before, after), tell(context, thing, notices))


async def publish_pause(context: Context, thing: KubeObject) -> None:
    """Say that the Tenant is paused; all else stays as it was said last.

    Raises:
        as publish
    """
    latest = _latest(context, thing)
    before = objects.tenant_status(latest)
    said = report.paused_conditions(before.conditions, thing.generation)
    await _write(context, latest, before, _with(context, thing, before, said))


async def publish_wait(context: Context, thing: KubeObject, stopped: Stopped) -> None:
    """Say why a deletion waits.

    Raises:
        as publish
    """
    latest = _latest(context, thing)
    before = objects.tenant_status(latest)
    said = report.ready_conditions(Outcome(thing.generation, stopped=stopped))
    await _write(context, latest, before, _with(context, thing, before, said))


async def tell(context: Context, thing: KubeObject, notices: tuple[Notice, ...]) -> None:
    """Send Events; losing one loses nothing that the status does not say."""
    for notice in notices:
        try:
            await events.send(context.api, thing, notice, context.now())
        except Unreachable:
            return


def _latest(context: Context, thing: KubeObject) -> KubeObject:
    """The object as it is now, unless its spec is another one by now: what is said goes on from what was said last."""
    current = context.cache.objects.get(thing.key, thing)
    return current if current.uid == thing.uid and current.generation == thing.generation else thing


async def _write(context: Context, latest: KubeObject, before: TenantStatus, after: TenantStatus) -> None:
    if as_json(before) == as_json(after):
        return
    context.cache.writing(replace(latest, status=as_json(after)))
    context.cache.put_ours(await status.write_status(context.api, latest, as_json(after)))


def as_json(said: TenantStatus) -> dict[str, object]:
    """The status as it is stored."""
    return said.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


def _with(
    context: Context, thing: KubeObject, before: TenantStatus, said: tuple[Condition, ...], **changes: object
) -> TenantStatus:
    named = {item.type for item in said} | {conditions.PAUSED}
    kept = [item for item in before.conditions if item.type not in named]  # nothing new is known of these
    merged = conditions.merge(before.conditions, [*said, *kept], context.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    return before.model_copy(
        update={"observed_generation": thing.generation, "conditions": merged, **changes},
    )


def _status(context: Context, thing: KubeObject, before: TenantStatus, outcome: Outcome) -> TenantStatus:
    """The status after a pass. A pass that was stopped early leaves what earlier ones reached."""
    changes: dict[str, object] = {}
    if outcome.identifier is not None:
        place = context.endpoint
        where = DatabaseStatus(name=context.database.name, host=place.host, port=place.port, dbname=place.dbname)
        changes = {"identifier": outcome.identifier, "database": where, "plan": outcome.plan, "limits": outcome.limits}
    if outcome.secret is not None:
        changes["binding"] = Binding(name=outcome.secret)
    if not outcome.waiting and (requested := thing.annotations.get(REQUESTED)):
        changes["last_handled_reconcile_at"] = requested[:256]
    return _with(context, thing, before, report.ready_conditions(outcome), **changes)
