"""The workers: take a key, do its work, say how it went, and see that it comes up again when it has to."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from tenant_manager.api import reasons
from tenant_manager.api.tenant import default_identifier
from tenant_manager.core import report
from tenant_manager.core.outcome import Outcome
from tenant_manager.core.stopped import Stopped
from tenant_manager.kube.client import Refused, Unreachable
from tenant_manager.kube.objects import ABANDON, PAUSED, PLAN, Key, KubeObject
from tenant_manager.kube.status import Gone, Outrun
from tenant_manager.reconcile.cache import Awaited, plan_name
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.delete import delete
from tenant_manager.reconcile.publish import publish, publish_pause, publish_wait, tell
from tenant_manager.reconcile.queue import Lane
from tenant_manager.reconcile.rollout import roll_out
from tenant_manager.reconcile.tenant import reconcile

STALLED_AGAIN: Final = 60.0  # seconds; what a person mends outside our sight, such as a foreign Secret
OUTRUN_AGAIN: Final = 0.2
API_AGAIN: Final = 30.0  # at most: nothing tells that the API server is back
DRAIN_WITHIN: Final = 7.0
PLAN_AGAIN: Final = 0.5  # a Plan counts its Tenants at most so often

log = structlog.get_logger("tenant_manager")


@dataclass(slots=True)
class Pass:
    """What is said of one pass, in the log and in the metrics."""

    result: str = "unchanged"  # changed, retry, stalled, waiting, error
    steps: list[str] = field(default_factory=list)
    reason: str | None = None
    message: str | None = None


async def work(context: Context) -> None:
    """Take keys until told to stop, or until another operator has the lead."""
    await context.may_work.wait()
    while not (context.database.fenced or context.stopping):
        key, lane = await context.queue.take()
        if context.database.fenced or context.stopping:  # meanwhile
            context.queue.done(key)
            break
        started = context.queue.clock()
        try:
            done = await _safely(context, key, lane)
        finally:
            context.queue.done(key)
        seconds = context.queue.clock() - started
        context.metrics.passed(key.kind, done.result, done.steps, seconds)
        _say(context, key, done, seconds)


async def drain(context: Context) -> None:
    """Take no key any more, and wait until the passes at hand have come to an end, but not for ever."""
    context.stopping = True
    deadline = context.queue.clock() + DRAIN_WITHIN
    while context.queue.running and context.queue.clock() < deadline:  # noqa: ASYNC110  # at the end alone
        await asyncio.sleep(0.02)


async def _safely(context: Context, key: Key, lane: Lane) -> Pass:
    """One pass; whatever goes wrong, the key comes up again."""
    try:
        done = await (_plan(context, key) if key.kind == PLAN else _tenant(context, key))
    except Gone:
        context.cache.drop(key)
        context.queue.forget(key)
        context.namespaces.pop(str(key.namespace), None)
        return Pass()
    except Outrun:
        context.queue.add_later(key, OUTRUN_AGAIN, lane)
        return Pass("retry", message="somebody else wrote the object meanwhile")
    except Stopped as stopped:
        if stopped.reason is reasons.NOT_THE_LEADER:
            context.lose_lead(stopped)
        context.queue.retry(key)
        return Pass("retry", reason=stopped.reason.name, message=stopped.message)
    except (Refused, Unreachable) as error:
        context.queue.retry(key, lane, API_AGAIN)
        return Pass("retry", message=str(error))
    except Exception as error:
        log.exception("a pass failed", object=str(key))
        context.queue.retry(key)
        await _admit(context, key, error)
        return Pass("error")
    return done


async def _admit(context: Context, key: Key, error: Exception) -> None:
    """Tell the users of a Tenant that something unknown went wrong; what exactly, only the log says."""
    thing = context.cache.objects.get(key)
    if thing is None or key.kind == PLAN:
        return
    message = f"The operator met {type(error).__name__}; its log says more. It tries again."
    with suppress(Gone, Outrun, Refused, Unreachable):
        await publish(context, thing, Outcome(thing.generation, stopped=Stopped(reasons.UNEXPECTED_ERROR, message)))


async def _plan(context: Context, key: Key) -> Pass:
    steps = await roll_out(context, key.name)
    context.queue.succeeded(key)
    return Pass("changed" if steps else "unchanged", report.names(steps))


async def _tenant(context: Context, key: Key) -> Pass:
    thing = context.cache.objects.get(key)
    if thing is None:
        context.queue.forget(key)
        return Pass()
    if thing.annotations.get(PAUSED) == "true" and not _let_go(thing):
        await publish_pause(context, thing)
        return Pass()
    if thing.deleting:
        return await _deletion(context, thing)
    outcome = await reconcile(context, thing)
    if context.database.fenced:
        return Pass("retry")
    await publish(context, thing, outcome)
    if outcome.drifted:
        context.metrics.repaired([*report.names(outcome.steps), *(["Secret"] if outcome.secret_repaired else [])])
    if outcome.created:
        waited = (context.now() - thing.created).total_seconds()
        context.metrics.made(waited if outcome.stopped is None else None)
    _come_back(context, thing, outcome)
    context.queue.add_later(Key(PLAN, plan_name(thing)), PLAN_AGAIN)
    return _passed(outcome)


def _let_go(thing: KubeObject) -> bool:
    """A deletion that was told to leave the database alone has nothing to pause."""
    return thing.deleting and thing.annotations.get(ABANDON) == "true"


async def _deletion(context: Context, thing: KubeObject) -> Pass:
    done = await delete(context, thing)
    await tell(context, thing, done.notices)
    context.metrics.count(done.notices)
    if done.waits is not None:
        await publish_wait(context, thing, done.waits)
        context.queue.retry(thing.key)
        return Pass("waiting", reason=done.waits.reason.name, message=done.waits.message)
    context.queue.add_later(Key(PLAN, plan_name(thing)), PLAN_AGAIN)
    return Pass("changed" if done.steps else "unchanged", report.names(done.steps))


def _come_back(context: Context, thing: KubeObject, outcome: Outcome) -> None:
    """When to look at the Tenant again, and what brings it up earlier."""
    stopped, key = outcome.stopped, thing.key
    context.cache.wait(key, *_awaited(thing, outcome))
    if stopped is None and outcome.again is None:
        context.queue.succeeded(key)
        context.queue.add_later(key, context.settings.secret_check_seconds * (0.75 + random.random() / 2))  # noqa: S311  # spreads load, guards nothing
    elif stopped is not None and not stopped.reason.waits:
        context.queue.succeeded(key)
        context.queue.add_later(key, STALLED_AGAIN)
    else:
        context.queue.retry(key)


def _awaited(thing: KubeObject, outcome: Outcome) -> tuple[Awaited, ...]:
    stopped = outcome.stopped
    if stopped is None:
        return ()
    if stopped.reason is reasons.PLAN_NOT_FOUND:
        return (Awaited("plan", plan_name(thing)),)
    if stopped.reason is reasons.DOMAIN_TAKEN:
        return (Awaited("domain", str(thing.spec.get("domain"))),)
    if stopped.reason in {reasons.IDENTIFIER_TAKEN, reasons.RETAINED_DATA_EXISTS, reasons.NOT_OWNED}:
        return (Awaited("identifier", thing.spec.get("identifier") or default_identifier(thing.key.name) or ""),)
    return ()


def _passed(outcome: Outcome) -> Pass:
    stopped = outcome.stopped
    if stopped is not None:
        result = "waiting" if stopped.reason.waits else "stalled"
        return Pass(result, report.names(outcome.steps), stopped.reason.name, stopped.message)
    done = bool(outcome.steps) or outcome.secret_repaired
    return Pass("changed" if done else "unchanged", report.names(outcome.steps))


def _say(context: Context, key: Key, done: Pass, seconds: float) -> None:
    """One line a pass; what found nothing to do, or met the outage that was logged once, is for developers only."""
    problem = context.database.problem
    quiet = done.result == "unchanged" or (problem is not None and done.reason == problem.reason.name)
    line: dict[str, object] = {"kind": key.kind, "namespace": key.namespace, "name": key.name, "result": done.result}
    line |= {"reason": done.reason, "message": done.message, "steps": done.steps or None}
    known = {name: value for name, value in line.items() if value is not None}
    (log.debug if quiet else log.info)("reconciled", **known, duration_seconds=round(seconds, 4))
