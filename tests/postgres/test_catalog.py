"""The tables that applications join, and the history."""

from decimal import Decimal

import asyncpg
import pytest

from tenant_manager.postgres.install import install
from tests.postgres.installation import PLAN, Installation, Kernel, Tenant, catalog, connected, name, refused

RESOURCES = "SELECT resource_type, used, limit_value FROM tenancy.tenant_resources WHERE tenant_id = $1 ORDER BY 1"


async def test_the_row_is_exactly_what_was_given(kernel: Kernel, tenant: Tenant) -> None:
    domain = f"{tenant.identifier}.example"
    row = catalog(name="New", domain=domain, status="suspended", settings={"a": [1]}, limits={"users": 3})
    await kernel.call("set_catalog", tenant.identifier, row)
    found = await kernel.row("SELECT * FROM tenancy.tenants WHERE id = $1", tenant.identifier)
    assert {key: found[key] for key in ("name", "domain", "status", "plan_id", "settings", "limits")} == {
        "name": "New",
        "domain": domain,
        "status": "suspended",
        "plan_id": "gold",
        "settings": {"a": [1]},
        "limits": {"users": 3},
    }
    await kernel.call("set_catalog", tenant.identifier, row)
    assert (
        await kernel.row("SELECT * FROM tenancy.tenants WHERE id = $1", tenant.identifier) == found
    )  # updated_at, too


async def test_resources_keep_what_is_used(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    await kernel.call("set_catalog", tenant.identifier, catalog(resources={"users": 10, "seats": None, "gone": 1}))
    await installation.sql(f"UPDATE tenancy.tenant_resources SET used = 4 WHERE tenant_id = '{tenant.identifier}'")
    resources = {"users": 20, "seats": 7.5, "storage": 10**18}
    await kernel.call("set_catalog", tenant.identifier, catalog(resources=resources))
    assert [tuple(row) for row in await kernel.connection.fetch(RESOURCES, tenant.identifier)] == [
        ("seats", 4, Decimal("7.5")),
        ("storage", 0, 10**18),
        ("users", 4, 20),
    ]


async def test_a_domain_belongs_to_one(kernel: Kernel, tenant: Tenant) -> None:
    domain = f"{tenant.identifier}.example"
    await kernel.call("set_catalog", tenant.identifier, catalog(domain=domain))
    other = await kernel.create()
    await refused(kernel, "TM014", "set_catalog", other.identifier, catalog(domain=domain))
    identifier = name()
    with pytest.raises(asyncpg.PostgresError) as error:
        await kernel.create(identifier, catalog=catalog(domain=domain))
    assert error.value.sqlstate == "TM014"
    assert await kernel.connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", identifier) == 0
    await kernel.call("retain", tenant.identifier)  # the domain is free again
    await kernel.call("set_catalog", other.identifier, catalog(domain=domain))


async def test_a_plan_is_kept_while_tenants_have_it(kernel: Kernel) -> None:
    plan = {**PLAN, "name": "silver-2", "price": None}
    await kernel.call("set_plan", plan)
    tenant = await kernel.create(catalog=catalog(plan="silver-2"))
    await kernel.call("set_plan", {**plan, "generation": 2, "max_users": None, "max_api_calls": 10**12, "features": []})
    found = await kernel.row("SELECT * FROM tenancy.plans WHERE id = 'silver-2'")
    assert (found["generation"], found["max_users"], found["max_api_calls"], found["features"], found["price"]) == (
        2,
        None,
        10**12,
        [],
        None,
    )
    assert (found["max_storage_gb"], found["spec"], found["uid"]) == (Decimal("1.5"), {"displayName": "Gold"}, "u-1")
    assert await kernel.call("forget_plan", "silver-2") == []
    assert await kernel.call("forget_plan", "unknown") == []
    await kernel.call("set_catalog", tenant.identifier, catalog())
    assert await kernel.call("forget_plan", "silver-2") == ["DELETE FROM tenancy.plans WHERE id = 'silver-2'"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"name": 5},
        {"plan": "unknown"},
        {"plan": None},
        {"status": "retained"},
        {"status": None},
        {"domain": 5},
        {"settings": []},
        {"limits": "x"},
        {"resources": None},
        {"resources": {"users": "10"}},
        {"resources": {"": 10}},
    ],
    ids=str,
)
async def test_a_catalog_row_that_is_wrong(kernel: Kernel, tenant: Tenant, wrong: dict[str, object]) -> None:
    await refused(kernel, "TM009", "set_catalog", tenant.identifier, catalog(**wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"name": ""},
        {"name": "A"},
        {"name": "x" * 254},
        {"max_users": "many"},
        {"max_users": 2**31},
        {"max_api_calls": -1},
        {"features": {}},
        {"price": 5},
        {"spec": []},
        {"generation": "1"},
        {"uid": 5},
    ],
    ids=str,
)
async def test_a_plan_that_is_wrong(kernel: Kernel, wrong: dict[str, object]) -> None:
    await refused(kernel, "TM009", "set_plan", {**PLAN, "name": "wrong", **wrong})
    assert await kernel.connection.fetchval("SELECT count(*) FROM tenancy.plans WHERE id = 'wrong'") == 0


async def test_what_is_no_object_is_wrong(kernel: Kernel, tenant: Tenant) -> None:
    values: tuple[object, ...] = (None, [], "x", 5)
    for value in values:
        await refused(kernel, "TM009", "set_plan", value)
        await refused(kernel, "TM009", "set_catalog", tenant.identifier, value)


async def test_history_outlives_the_tenant(kernel: Kernel, tenant: Tenant) -> None:
    await kernel.call("drop_tenant", tenant.identifier)
    await kernel.call("record", tenant.identifier, 3, "applied", ["DropTenant"], ["DROP SCHEMA x"])
    rows = await kernel.connection.fetch(
        "SELECT generation, outcome, steps, statements FROM tenancy.history WHERE identifier = $1 ORDER BY id",
        tenant.identifier,
    )
    assert [row["outcome"] for row in rows] == ["created", "applied"]
    assert tuple(rows[1]) == (3, "applied", ["DropTenant"], ["DROP SCHEMA x"])
    await refused(kernel, "TM009", "record", tenant.identifier, 3, None, ["a"], ["b"])
    await refused(kernel, "TM002", "record", "Odd", 3, "applied", ["a"], ["b"])


async def test_policies_that_were_changed_by_hand_are_put_right(installation: Installation) -> None:
    query = """SELECT array_agg(tablename || ' ' || policyname || ' ' || cmd || ' ' || roles::text || ' ' || qual
                                ORDER BY tablename, policyname) FROM pg_policies WHERE schemaname = 'tenancy'"""
    before = await installation.value(query)
    assert len(before) == 6
    await installation.sql(
        "ALTER POLICY login ON tenancy.tenants USING (true); DROP POLICY kernel ON tenancy.plans",
        "CREATE POLICY more ON tenancy.tenants TO tenancy_tenant USING (true)",
        "ALTER TABLE tenancy.tenant_resources DISABLE ROW LEVEL SECURITY",
    )
    async with connected(installation.url) as connection:
        await install(connection)
    assert await installation.value(query) == before
    enabled = "SELECT count(*) FROM pg_class WHERE relrowsecurity AND relnamespace = 'tenancy'::regnamespace"
    assert await installation.value(enabled) == 3
