"""A Plan and its Tenants: its row, who follows, how many have it, RolledOut."""

from tenant_manager.api import conditions
from tenant_manager.api.conditions import STALLED
from tenant_manager.api.plan import PlanStatus
from tenant_manager.core import plan as plans
from tenant_manager.core.plan import Follower, ForgetPlan, Plan, PlanStep
from tenant_manager.core.rollout import rolled_out
from tenant_manager.kube import objects, status
from tenant_manager.kube.client import API
from tenant_manager.kube.objects import PLAN, Key, KubeObject
from tenant_manager.postgres import plan as rows
from tenant_manager.postgres.call import run
from tenant_manager.reconcile.cache import Awaited
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.queue import Lane


def follow(context: Context, name: str) -> None:
    """A Plan came, went or changed: queue it, and its Tenants. Who waits for it goes first."""
    context.queue.add(Key(PLAN, name))
    waiting = set(context.cache.who_waits(Awaited("plan", name)))
    for tenant in context.cache.tenants_of(name):
        context.queue.add(tenant.key, Lane.PEOPLE if tenant.key in waiting else Lane.SWEEP)


async def follow_vanished(context: Context) -> None:
    """Plans that went while a watch was broken: kopf tells nothing of them, and they have no finalizer of ours.

    Raises:
        Refused, Unreachable: the API server's part failed.
    """
    there = await context.api.list(f"{API}/plans")
    names = {body["metadata"]["name"] for body in there.items}
    for thing in context.cache.plans():
        if thing.key.name not in names and thing.resource_version <= there.resource_version:
            context.cache.drop(thing.key)
            follow(context, thing.key.name)


async def roll_out(context: Context, name: str) -> tuple[PlanStep, ...]:
    """Write the Plan's row and its status; remove the row of a deleted Plan that nobody has any more.

    Raises:
        Stopped: the spec is invalid, or the database cannot be used now.
        Gone, Outrun, Refused, Unreachable: the API server's part failed; try again.
    """
    thing = context.cache.objects.get(Key(PLAN, name))
    if thing is None:
        return await _forget(context, name)
    plan = Plan(name, thing.uid, thing.generation, objects.plan_spec(thing))
    steps = plans.diff(plan, context.stored_plans.get(name))
    if steps:
        await run(context.database, [rows.call(step) for step in steps])
        note_stored(context, plan)
    await _publish(context, thing, plan)
    return steps


def note_stored(context: Context, plan: Plan) -> None:
    """The plan's row is this one now. One that was made again has its first generation for a second time.

    Its Tenants seem to have that already; what tells the two apart is kept in memory.
    """
    before = context.stored_plans.get(plan.name)
    if before is not None and before.uid != plan.uid:
        for tenant in context.cache.tenants_of(plan.name):
            context.cache.plan_uids.setdefault(tenant.key, before.uid)
    context.stored_plans[plan.name] = plan


async def _forget(context: Context, name: str) -> tuple[PlanStep, ...]:
    if name not in context.stored_plans or context.cache.tenants_of(name):
        return ()
    step = ForgetPlan(name)
    await run(context.database, [rows.call(step)])  # which keeps the row while a tenant refers to it
    context.stored_plans = await rows.stored(context.database)
    return (step,)


async def _publish(context: Context, thing: KubeObject, plan: Plan) -> None:
    tenants = plans.numbers(
        plan.applied, [_follower(context, tenant, plan) for tenant in context.cache.tenants_of(plan.name)]
    )
    now = context.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    before = objects.plan_status(thing)
    said = conditions.merge(before.conditions, [rolled_out(thing.generation, tenants)], now)
    after = PlanStatus(observed_generation=thing.generation, tenants=tenants, conditions=said)
    if after != before:
        context.cache.put_ours(await status.write_status(context.api, thing, after.as_json()))


def _follower(context: Context, tenant: KubeObject, plan: Plan) -> Follower:
    of_this = context.cache.plan_uids.get(tenant.key, plan.uid) == plan.uid
    applied = of_this and tenant.status.get("plan") == plan.applied.as_json()
    return Follower(plan.applied if applied else None, objects.flags(tenant).get(STALLED) == "True")
