"""The main path: what should be, what is, the steps between, and the Secret. Create, edit, drift and restart alike."""

import asyncio
from dataclasses import replace

from tenant_manager.api import reasons
from tenant_manager.api.conditions import PAUSED, READY
from tenant_manager.api.tenant import Access
from tenant_manager.core import limits, tenant
from tenant_manager.core.credentials import Choice, SetVerifier, choose
from tenant_manager.core.login import EndSessions
from tenant_manager.core.outcome import Outcome
from tenant_manager.core.plan import Plan
from tenant_manager.core.plan import diff as plan_diff
from tenant_manager.core.stopped import Stopped
from tenant_manager.core.tenant import Desired, Step
from tenant_manager.kube import objects, status
from tenant_manager.kube.objects import KubeObject
from tenant_manager.postgres.lead import is_refused
from tenant_manager.postgres.tenant import apply, observe
from tenant_manager.reconcile import secret
from tenant_manager.reconcile.cache import Awaited, plan_name
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.look import Scene, look, plan_not_found, plan_of
from tenant_manager.reconcile.rollout import note_stored


async def reconcile(context: Context, thing: KubeObject) -> Outcome:
    """Bring one Tenant to its desired state and say how it went.

    What can be known in advance comes back inside the outcome; anything else
    is a bug and is left to propagate.

    Raises:
        Stopped: NOT_THE_LEADER alone; then nothing is to be written any more.
        Gone, Outrun, Refused, Unreachable: the API server's part failed; try again.
    """
    try:
        scene = await look(context, thing)
        plan, found = plan_of(context, thing, scene.observed)
        asked = tenant.desired(scene.identifier, scene.owner, scene.spec, plan)
        scene, choice = await secret.publishable(context, scene, await _choice(context, scene))
        wanted, problem = _possible(asked, scene, found)
        steps = await _converge(context, scene, wanted, plan, choice)
    except Stopped as stopped:
        if stopped.reason is reasons.NOT_THE_LEADER:
            raise
        missing = stopped.reason is reasons.PLAN_NOT_FOUND
        return Outcome(thing.generation, stopped=stopped, plan_found=False if missing else None)
    outcome = _outcome(context, scene, steps, plan)
    kept = choice.credentials.password == scene.secret.password
    outcome = replace(outcome, plan_found=found, stopped=problem, password_kept=kept)
    return await secret.publish(context, scene, outcome, choice.credentials.password)


def _possible(asked: Desired, scene: Scene, plan_found: bool) -> tuple[Desired, Stopped | None]:
    """What of `asked` an existing tenant can have now, and why not the rest.

    One thing that only a person can mend must not keep a login open that is to be closed.
    """
    observed, name = scene.observed, plan_name(scene.thing)
    if observed is not None and observed.domain_holder not in {None, scene.identifier}:
        kept = None if observed.catalog is None else observed.catalog.domain
        message = (
            f"The domain {scene.spec.domain} belongs to another Tenant, which keeps it. Set another `spec.domain`."
        )
        return tenant.with_domain(asked, kept), Stopped(reasons.DOMAIN_TAKEN, message)
    if scene.foreign is not None:
        return asked, scene.foreign
    if not plan_found and asked.catalog.plan != name:
        return asked, plan_not_found(name)
    return asked, None


async def _choice(context: Context, scene: Scene) -> Choice:
    observed = scene.observed
    if scene.foreign is not None:  # nobody can read the password, so nobody needs another
        return Choice(context.fresh(), stands=True)
    made = observed is not None and observed.login is not None
    changed = scene.identifier in context.changed_passwords or await _is_locked_out(context, scene)
    return choose(context.fresh(), scene.secret.password, observed.verifier if observed and made else None, changed)


async def _is_locked_out(context: Context, scene: Scene) -> bool:
    """Whether the published password does not log in any more, asked of the Tenants of the sample alone."""
    login = None if scene.observed is None else scene.observed.login
    password = scene.secret.password
    asked = scene.thing.key in context.to_try
    context.to_try.discard(scene.thing.key)
    if not asked or password is None or login is None or not (login.open and login.member):
        return False
    return await is_refused(context.database, scene.identifier, password)


async def _converge(context: Context, scene: Scene, wanted: Desired, plan: Plan, choice: Choice) -> tuple[Step, ...]:
    """Take the steps, and look again while sessions are left that a closing login has to lose."""
    agenda = tenant.diff(wanted, scene.observed, choice.stands)
    await _hold(context, scene.thing)
    taken: tuple[Step, ...] = ()
    while agenda.steps:
        await _take(context, scene, plan, agenda.steps, choice)
        taken += agenda.steps
        if agenda.again is None:
            break
        await asyncio.sleep(agenda.again)
        observed = await observe(context.database, [scene.identifier])
        agenda = tenant.diff(wanted, observed.get(scene.identifier), password_stands=True)
    return taken


async def _hold(context: Context, thing: KubeObject) -> None:
    """Put the finalizer on before anything is made that a deletion has to find."""
    context.cache.writing(status.with_finalizer(thing))
    context.cache.put_ours(await status.add_finalizer(context.api, thing))


async def _take(context: Context, scene: Scene, plan: Plan, steps: tuple[Step, ...], choice: Choice) -> None:
    """One transaction. The plan's row goes first where it is not the one applied last."""
    steps = (*plan_diff(plan, context.stored_plans.get(plan.name)), *steps)
    generation, fresh = scene.thing.generation, choice.credentials
    try:
        await apply(context.database, scene.identifier, generation, steps, fresh)
    except Stopped as stopped:
        if stopped.reason is reasons.IDENTIFIER_TAKEN:
            raise status.Outrun from None  # somebody was quicker; the next pass sees who
        if stopped.reason is not reasons.DATABASE_BUSY or scene.observed is None:
            raise
        # a session of the tenant may hold its own role's row, or an uncommitted GRANT
        await apply(context.database, scene.identifier, generation, (EndSessions(scene.identifier),), fresh)
        await apply(context.database, scene.identifier, generation, steps, fresh)
    note_stored(context, plan)
    if any(isinstance(step, SetVerifier) for step in steps):
        context.changed_passwords -= {scene.identifier}  # else each pass until the next scan sets it again
    _tell_who_waits(context, scene)


def _tell_who_waits(context: Context, scene: Scene) -> None:
    """A domain that this tenant had may be free now."""
    before = None if scene.observed is None or scene.observed.catalog is None else scene.observed.catalog.domain
    if before is not None and before != scene.spec.domain:
        for key in context.cache.who_waits(Awaited("domain", before)):
            context.queue.add(key)


def _outcome(context: Context, scene: Scene, steps: tuple[Step, ...], plan: Plan) -> Outcome:
    known, key = objects.tenant_status(scene.thing), scene.thing.key
    flags = {item.type: item.status for item in known.conditions}
    was_followed = flags.get(READY) == "True" and PAUSED not in flags  # what was edited during a pause is no drift
    same_plan = known.plan == plan.applied and context.cache.plan_uids.get(key, plan.uid) == plan.uid
    context.cache.plan_uids[key] = plan.uid
    return Outcome(
        generation=scene.thing.generation,
        identifier=scene.identifier,
        steps=steps,
        plan=plan.applied,
        limits=limits.in_force(plan.spec.limits, scene.spec.limits),
        suspended=scene.spec.access is Access.SUSPENDED,
        drifted=was_followed and known.observed_generation == scene.thing.generation and same_plan,
    )
