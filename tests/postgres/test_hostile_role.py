"""What a tenant can do to its own role, and what the one query makes of it."""

import os

import asyncpg

from tenant_manager.api.plan import PlanSpec
from tenant_manager.api.tenant import PlanRef, TenantSpec
from tenant_manager.core import tenant
from tenant_manager.core.agenda import Agenda
from tenant_manager.core.credentials import draw
from tenant_manager.core.identity import Owner
from tenant_manager.core.login import SetSettings
from tenant_manager.core.plan import Plan, SetPlan
from tenant_manager.postgres import lead
from tenant_manager.postgres import plan as plan_rows
from tenant_manager.postgres.call import run
from tenant_manager.postgres.databases import Database
from tenant_manager.postgres.tenant import OBSERVE, apply, observe
from tests.postgres.installation import Installation, name

PLAN = Plan("hostile", "uid", 1, PlanSpec())
LONG = 3_000_000  # characters; a tenant may make it hundreds of millions


async def test_settings_of_any_length_never_reach_the_operator(installation: Installation) -> None:
    database = Database("default", installation.login("tenancy_operator", installation.operator.password), 2)
    await lead.take_office(database, "hostile")
    await run(database, [plan_rows.call(SetPlan(PLAN))])
    identifier, fresh = name(), draw(os.urandom)
    owner = Owner("test", "customers", "uid", "hostile")
    desired = tenant.desired(identifier, owner, TenantSpec(plan_ref=PlanRef(name=PLAN.name)), PLAN)
    await apply(database, identifier, 1, tenant.diff(desired, None, password_stands=False).steps, fresh)
    connection = await asyncpg.connect(installation.login(identifier, fresh.password))
    for setting in ("search_path", "application_name"):
        await connection.execute(f"ALTER ROLE CURRENT_USER SET {setting} = '{'x' * LONG}'")
    await connection.close()
    async with database.connection() as own:
        (row,) = await own.fetch(OBSERVE, [identifier], None)
    assert len(repr(row)) < 10_000
    steps = tenant.diff(desired, (await observe(database, [identifier]))[identifier], password_stands=True).steps
    assert [type(step) for step in steps] == [SetSettings]
    await apply(database, identifier, 1, steps, fresh)
    after = (await observe(database, [identifier]))[identifier]
    assert tenant.diff(desired, after, password_stands=True) == Agenda()
    await database.close()
