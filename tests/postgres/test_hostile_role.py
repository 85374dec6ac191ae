"""What a tenant can do to its own role, and what the one query makes of it."""

import os
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from tenant_manager.api.plan import PlanSpec
from tenant_manager.api.tenant import PlanRef, TenantSpec
from tenant_manager.core import tenant
from tenant_manager.core.credentials import Credentials, draw
from tenant_manager.core.identity import Owner
from tenant_manager.core.login import SetSettings
from tenant_manager.core.plan import Plan, SetPlan
from tenant_manager.core.tenant import Desired, Step
from tenant_manager.postgres import lead
from tenant_manager.postgres import plan as plan_rows
from tenant_manager.postgres.call import run
from tenant_manager.postgres.databases import Database
from tenant_manager.postgres.tenant import OBSERVE, apply, observe
from tests.postgres.installation import Installation, name

PLAN = Plan("hostile", "uid", 1, PlanSpec())
LONG = 3_000_000  # characters; a tenant may make it hundreds of millions


@pytest_asyncio.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    found = Database("default", installation.login("tenancy_operator", installation.operator.password), 2)
    await lead.take_office(found, "hostile")
    await run(found, [plan_rows.call(SetPlan(PLAN))])
    yield found
    await found.close()


async def made(database: Database) -> tuple[Desired, Credentials]:
    """A new tenant, with what it logs in with."""
    owner, spec = Owner("test", "customers", "uid", "hostile"), TenantSpec(plan_ref=PlanRef(name=PLAN.name))
    desired, fresh = tenant.desired(name(), owner, spec, PLAN), draw(os.urandom)
    steps = tenant.diff(desired, None, password_stands=False).steps
    await apply(database, desired.identifier, 1, steps, fresh)
    return desired, fresh


async def steps_for(database: Database, desired: Desired) -> tuple[Step, ...]:
    observed = (await observe(database, [desired.identifier]))[desired.identifier]
    return tenant.diff(desired, observed, password_stands=True).steps


async def test_settings_of_any_length_never_reach_the_operator(installation: Installation, database: Database) -> None:
    desired, fresh = await made(database)
    connection = await asyncpg.connect(installation.login(desired.identifier, fresh.password))
    for setting in ("search_path", "application_name"):
        await connection.execute(f"ALTER ROLE CURRENT_USER SET {setting} = '{'x' * LONG}'")
    await connection.close()
    async with database.connection() as own:
        (row,) = await own.fetch(OBSERVE, [desired.identifier], None)
    assert len(repr(row)) < 10_000
    steps = await steps_for(database, desired)
    assert [type(step) for step in steps] == [SetSettings]
    await apply(database, desired.identifier, 1, steps, fresh)
    assert await steps_for(database, desired) == ()


async def test_a_second_membership_that_gives_nothing_is_not_repaired_for_ever(
    installation: Installation, database: Database
) -> None:
    desired, _ = await made(database)
    colleague = name()
    await installation.sql(
        f"CREATE ROLE {colleague}",
        f"GRANT tenancy_tenant TO {colleague} WITH ADMIN TRUE, INHERIT FALSE",
        f"GRANT tenancy_tenant TO {desired.identifier} WITH INHERIT FALSE, SET FALSE GRANTED BY {colleague}",
    )
    assert await steps_for(database, desired) == ()
