"""The operator's own steps on a real kernel: what was applied is what is observed, and a second pass is quiet."""

import os
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tenant_manager.api import reasons
from tenant_manager.api.limits import Limits
from tenant_manager.api.plan import PlanSpec, Session
from tenant_manager.api.tenant import Access, PlanRef, TenantSpec
from tenant_manager.core import retention, tenant
from tenant_manager.core.agenda import Agenda
from tenant_manager.core.credentials import draw
from tenant_manager.core.identity import Owner
from tenant_manager.core.plan import Plan, SetPlan
from tenant_manager.core.retention import DropTenant
from tenant_manager.core.stopped import Stopped
from tenant_manager.core.tenant import CreateTenant, Desired, Observed
from tenant_manager.postgres import lead
from tenant_manager.postgres import plan as plan_rows
from tenant_manager.postgres.call import run
from tenant_manager.postgres.credentials import changed_passwords
from tenant_manager.postgres.databases import Database
from tenant_manager.postgres.tenant import apply, observe
from tests.postgres.installation import Installation, name

SMALL = Plan("small", "uid-small", 1, PlanSpec(limits=Limits(connections=3)))
LARGE = Plan(
    "large",
    "uid-large",
    4,
    PlanSpec(
        limits=Limits(users=9, storage="10Gi", connections=20),
        session=Session(statement_timeout_seconds=30, lock_timeout_seconds=0, work_mem="16Mi"),
    ),
)


@pytest_asyncio.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    """The operator's own view of the installation, in the lead."""
    url = installation.login("tenancy_operator", installation.operator.password)
    found = Database("default", url, connections=2)
    await lead.take_office(found, "steps")
    await run(found, [plan_rows.call(SetPlan(plan)) for plan in (SMALL, LARGE)])
    yield found
    await found.close()


def an_owner(identifier: str) -> Owner:
    return Owner("test", "customers", "uid-1", identifier.replace("_", "-"))


def wanted(identifier: str, plan: Plan = SMALL, **spec: Any) -> Desired:
    return tenant.desired(identifier, an_owner(identifier), TenantSpec(plan_ref=PlanRef(name=plan.name), **spec), plan)


async def seen(database: Database, identifier: str) -> Observed | None:
    return (await observe(database, [identifier])).get(identifier)


async def one_pass(database: Database, desired: Desired) -> Agenda[Any]:
    """Observe, diff, apply, as often as closing a login asks; the steps of the first time."""
    first: Agenda[Any] | None = None
    while True:
        observed = await seen(database, desired.identifier)
        agenda = tenant.diff(desired, observed, password_stands=observed is not None)
        first = first or agenda
        if agenda.steps:
            await apply(database, desired.identifier, 1, agenda.steps, draw(os.urandom))
        if agenda.again is None:
            return first


async def test_what_was_applied_is_what_is_observed_and_twice_is_quiet(database: Database) -> None:
    desired = wanted(
        name(), LARGE, domain=f"{name()}.example.com".replace("_", "-"), settings={"a": [1, 2.5, None, "ü"]}
    )
    assert [type(step) for step in (await one_pass(database, desired)).steps] == [CreateTenant]
    assert await one_pass(database, desired) == Agenda()


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_edits_ends_in_the_same_state(database: Database, seed: int) -> None:
    identifier = name()
    edits: list[dict[str, Any]] = [
        {"plan": LARGE},
        {"plan": SMALL, "access": Access.SUSPENDED},
        {"plan": SMALL, "limits": Limits(connections=1)},
        {"plan": LARGE, "settings": {"theme": "dark"}},
        {"plan": LARGE, "display_name": "A name with 'quotes' and \"more\""},
    ]
    random.Random(seed).shuffle(edits)  # noqa: S311  # to be the same twice
    for edit in edits:
        await one_pass(database, wanted(identifier, **edit))
    last = wanted(identifier, LARGE, display_name="The end")
    await one_pass(database, last)
    observed = await seen(database, identifier)
    assert observed is not None
    assert (observed.catalog, observed.login and observed.login.settings) == (last.catalog, last.login.settings)
    assert await one_pass(database, last) == Agenda()


@pytest.mark.parametrize(
    ("harm", "steps"),
    [
        pytest.param("ALTER ROLE {0} CONNECTION LIMIT 99", ["SetSettings"], id="connection-limit"),
        pytest.param("ALTER ROLE {0} SET statement_timeout = '1h'", ["SetSettings"], id="setting"),
        pytest.param("ALTER ROLE {0} SET search_path = public", ["SetSettings"], id="search-path"),
        pytest.param("ALTER ROLE {0} RESET ALL", ["SetSettings"], id="reset-all"),
        pytest.param("ALTER ROLE {0} IN DATABASE tenants SET work_mem = '1GB'", ["SetSettings"], id="in-database"),
        pytest.param("ALTER ROLE {0} NOLOGIN", ["OpenLogin"], id="nologin"),
        pytest.param("ALTER ROLE {0} VALID UNTIL '2020-01-01'", ["OpenLogin"], id="valid-until"),
        pytest.param("REVOKE tenancy_tenant FROM {0} GRANTED BY {1} CASCADE", ["Join"], id="membership"),
        pytest.param("REVOKE CREATE ON SCHEMA {0} FROM {0}", ["SetGrants"], id="revoked"),
        pytest.param("GRANT CREATE ON SCHEMA {0} TO PUBLIC", ["SetGrants"], id="create-for-all"),
        pytest.param("GRANT USAGE ON SCHEMA {0} TO tenancy_app", ["SetGrants"], id="usage-for-another"),
        pytest.param("DROP SCHEMA {0} CASCADE", ["MakeSchema", "SetGrants"], id="schema-dropped"),
        pytest.param("ALTER SCHEMA {0} RENAME TO {0}_moved", ["MakeSchema", "SetGrants"], id="schema-renamed"),
        pytest.param("ALTER ROLE {0} RENAME TO {0}_moved", ["MakeLogin", "SetGrants", "Join"], id="login-renamed"),
        pytest.param("DROP OWNED BY {0}; DROP ROLE {0}", ["MakeLogin", "SetGrants", "Join"], id="login-dropped"),
        pytest.param("UPDATE tenancy.tenants SET name = 'x' WHERE id = '{0}'", ["SetCatalog"], id="catalog"),
    ],
)
async def test_drift_is_seen_and_repaired(
    installation: Installation, database: Database, harm: str, steps: list[str]
) -> None:
    desired = wanted(name(), LARGE)
    await one_pass(database, desired)
    grantor = await installation.value(
        "SELECT grantor::regrole::text FROM pg_auth_members WHERE member = $1::regrole", desired.identifier
    )
    await installation.sql(harm.format(desired.identifier, grantor))
    assert [type(step).__name__ for step in (await one_pass(database, desired)).steps] == steps
    assert await one_pass(database, desired) == Agenda()


async def test_a_renamed_schema_comes_back_with_its_tables(installation: Installation, database: Database) -> None:
    desired = wanted(name())
    await one_pass(database, desired)
    await installation.sql(
        f"CREATE TABLE {desired.identifier}.kept AS SELECT 42 AS x",
        f"ALTER SCHEMA {desired.identifier} RENAME TO elsewhere_{desired.identifier}",
    )
    await one_pass(database, desired)
    assert await installation.value(f"SELECT x FROM {desired.identifier}.kept") == 42


@pytest.mark.parametrize("attribute", ["SUPERUSER", "CREATEROLE", "CREATEDB", "BYPASSRLS", "REPLICATION"])
async def test_a_role_that_has_become_more_than_a_tenant_is_left_alone(
    installation: Installation, database: Database, attribute: str
) -> None:
    desired = wanted(name())
    await one_pass(database, desired)
    await installation.sql(f"ALTER ROLE {desired.identifier} {attribute} CONNECTION LIMIT 99")
    with pytest.raises(Stopped, match=attribute) as stopped:
        await one_pass(database, desired)
    assert stopped.value.reason is reasons.DANGEROUS_ROLE
    assert await installation.value("SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", desired.identifier) == 99
    await installation.sql(f"ALTER ROLE {desired.identifier} NO{attribute}")
    await one_pass(database, desired)


async def test_what_a_stranger_put_in_its_place_is_left_alone(installation: Installation, database: Database) -> None:
    desired = wanted(name())
    await one_pass(database, desired)
    await installation.sql(f"DROP SCHEMA {desired.identifier} CASCADE", f"CREATE SCHEMA {desired.identifier}")
    with pytest.raises(Stopped, match="schema") as stopped:
        await one_pass(database, desired)
    assert stopped.value.reason is reasons.REPLACED


async def test_a_role_or_schema_that_nobody_registered_is_not_taken(
    installation: Installation, database: Database
) -> None:
    for make in ("CREATE ROLE {}", "CREATE SCHEMA {}"):
        desired = wanted(name())
        await installation.sql(make.format(desired.identifier))
        with pytest.raises(Stopped) as stopped:
            await one_pass(database, desired)
        assert stopped.value.reason is reasons.NOT_OWNED
        assert await seen(database, desired.identifier) is None


async def test_the_first_keeps_its_domain(database: Database) -> None:
    domain = f"{name()}.example.com".replace("_", "-")
    await one_pass(database, wanted(name(), domain=domain))
    second = name()
    with pytest.raises(Stopped) as stopped:
        await one_pass(database, wanted(second, domain=domain))
    assert stopped.value.reason is reasons.DOMAIN_TAKEN
    assert await seen(database, second) is None


async def test_a_password_that_the_tenant_changed_is_noticed_where_somebody_may_look(
    installation: Installation, database: Database
) -> None:
    desired, fresh = wanted(name()), draw(os.urandom)
    await apply(database, desired.identifier, 1, tenant.diff(desired, None, password_stands=False).steps, fresh)
    assert desired.identifier not in await changed_passwords(database)
    assert not await lead.is_refused(database, desired.identifier, fresh.password)
    connection = await asyncpg.connect(installation.login(desired.identifier, fresh.password))
    await connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'my own'")
    await connection.close()
    assert database.audited == (installation.administrator == "superuser")
    assert (desired.identifier in await changed_passwords(database)) == database.audited
    assert await lead.is_refused(database, desired.identifier, fresh.password)


async def test_history_says_what_ran_and_no_secret(installation: Installation, database: Database) -> None:
    desired, fresh = wanted(name()), draw(os.urandom)
    steps = tenant.diff(desired, None, password_stands=False).steps
    await apply(database, desired.identifier, 7, steps, fresh)
    await one_pass(database, wanted(desired.identifier, LARGE))
    rows = await installation.value(
        "SELECT array_agg(concat_ws(' ', generation, outcome, steps, statements) ORDER BY id) FROM tenancy.history "
        "WHERE identifier = $1",
        desired.identifier,
    )
    assert rows[0].startswith("7 created {CreateTenant}")
    assert "CREATE ROLE" in rows[0]
    assert "{SetSettings,SetCatalog}" in rows[1] or "{SetCatalog,SetSettings}" in rows[1]
    assert "ALTER ROLE" in rows[1]
    assert not any(fresh.password in row or fresh.verifier() in row for row in rows)


async def test_a_look_at_everything_takes_no_transaction_id(installation: Installation, database: Database) -> None:
    before = await installation.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
    await observe(database)
    await plan_rows.stored(database)
    await lead.check_lead(database)
    assert await installation.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text") == before


async def test_a_second_operator_ends_the_first_ones_lead(installation: Installation, database: Database) -> None:
    second = Database("default", database.url, connections=2)
    await lead.take_office(second, "second")
    with pytest.raises(Stopped) as stopped:
        await one_pass(database, wanted(name()))
    assert stopped.value.reason is reasons.NOT_THE_LEADER
    with pytest.raises(Stopped, match="NotTheLeader"):
        await lead.check_lead(database)
    with pytest.raises(Stopped, match="NotTheLeader"):
        await lead.take_office(database, "first again")
    await second.close()


MANY_TABLES = """
DO $$ BEGIN
    CREATE TABLE {0}.whole (x int) PARTITION BY LIST (x);
    FOR i IN 1..70 LOOP
        EXECUTE format('CREATE TABLE {0}.part%s PARTITION OF {0}.whole FOR VALUES IN (%s)', i, i);
        EXECUTE format('CREATE TABLE {0}.t%s (id serial PRIMARY KEY, a int UNIQUE, b int UNIQUE, c text)', i);
    END LOOP;
END $$"""


async def test_a_schema_with_many_tables_is_dropped_in_batches(installation: Installation, database: Database) -> None:
    desired = wanted(name())
    await one_pass(database, desired)
    await installation.sql(MANY_TABLES.format(desired.identifier))
    kinds: list[str] = []
    while True:
        observed = await seen(database, desired.identifier)
        found = None if observed is None else observed.deletable
        agenda = retention.deletion(desired.identifier, desired.owner, keep=False, observed=found)
        if not agenda.steps:
            break
        kinds += [type(step).__name__ for step in agenda.steps]
        await apply(database, desired.identifier, 1, agenda.steps, draw(os.urandom))
    assert kinds == ["CloseLogin", "DropTables", "DropTables", DropTenant.__name__]
