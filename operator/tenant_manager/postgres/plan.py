"""Twin of core/plan.py: the call for each step, and all plans that the database keeps."""

from typing import Any, assert_never

from tenant_manager.api.plan import PlanSpec
from tenant_manager.core.plan import ForgetPlan, Plan, PlanStep, SetPlan
from tenant_manager.postgres.call import Call, meaning
from tenant_manager.postgres.databases import Database

STORED = "SELECT id, uid, generation, spec FROM tenancy.plans"


def call(step: PlanStep) -> Call:
    """The one kernel call that carries out `step`."""
    match step:
        case SetPlan(plan):
            return Call("SELECT tenancy.set_plan($1, $2) AS statements", (as_json(plan),))
        case ForgetPlan(name):
            return Call("SELECT tenancy.forget_plan($1, $2) AS statements", (name,))
        case _:
            assert_never(step)


def as_json(plan: Plan) -> dict[str, Any]:
    """The row as the kernel takes it."""
    limits, price = plan.spec.limits, plan.spec.price
    return {
        "name": plan.name,
        "uid": plan.uid,
        "generation": plan.generation,
        "max_users": limits.users,
        "max_storage_gb": plan.storage_gigabytes,
        "max_api_calls": None if limits.api_calls is None else limits.api_calls.limit,
        "features": list(plan.spec.features),
        "price": None if price is None else price.as_json(),
        "spec": plan.spec.as_json(),
    }


async def stored(database: Database, *, opening: bool = False) -> dict[str, Plan]:
    """All plans as they were applied last, those of deleted Plan objects too. One query. `opening`: as `connection`.

    Raises:
        Stopped: the database cannot be used now.
    """
    with meaning():
        async with database.connection(opening=opening) as connection:
            rows = await connection.fetch(STORED)
    return {
        row["id"]: Plan(row["id"], row["uid"], row["generation"], PlanSpec.model_validate(row["spec"])) for row in rows
    }
