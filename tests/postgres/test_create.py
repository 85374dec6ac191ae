"""create_tenant: one call, and an application can log in and work."""

import asyncio
import json

import asyncpg
import pytest

from tests.postgres.installation import Installation, Kernel, Tenant, arguments, catalog, connected, fresh, name

OWNER = ("cluster-1", "team-a", "uid-1", "acme")


async def test_the_login_works_and_finds_its_schema(tenant: Tenant) -> None:
    async with tenant.connect() as connection:
        assert await connection.fetchval("SELECT current_user") == tenant.identifier
        assert await connection.fetchval("SHOW search_path") == f"{tenant.identifier}, extensions"
        assert await connection.fetchval("SHOW statement_timeout") == "30s"
        await connection.execute(
            "CREATE TABLE notes (id int PRIMARY KEY, note text); INSERT INTO notes VALUES (1, 'x')"
        )
        assert await connection.fetchval("SELECT note FROM notes") == "x"
        where = "SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'notes'"
        assert tenant.identifier in [row[0] for row in await connection.fetch(where)]


async def test_what_it_returns_and_writes_down(kernel: Kernel) -> None:
    identifier, credentials = name(), fresh()
    ran = await kernel.call("create_tenant", *arguments(identifier, OWNER, credentials, generation=7))
    claim = await kernel.connection.fetchval("SELECT claim FROM tenancy.registry WHERE identifier = $1", identifier)
    assert ran == [
        f"INSERT INTO tenancy.tenants … '{identifier}'",
        f"INSERT INTO tenancy.tenant_resources … '{identifier}'",
        f"CREATE ROLE {identifier} LOGIN PASSWORD 'SCRAM-SHA-256$<masked>' CONNECTION LIMIT 5",
        f"COMMENT ON ROLE {identifier} IS 'tenant-manager {claim}'",
        f"ALTER ROLE {identifier} SET search_path = {identifier}, extensions",
        f"ALTER ROLE {identifier} SET statement_timeout = '30s'",
        f"GRANT tenancy_tenant TO {identifier} WITH ADMIN FALSE, INHERIT TRUE, SET FALSE",
        f"CREATE SCHEMA {identifier}",
        f"COMMENT ON SCHEMA {identifier} IS 'tenant-manager {claim}'",
        f"GRANT USAGE, CREATE ON SCHEMA {identifier} TO {identifier}",
    ]
    assert credentials.verifier() not in str(ran)
    history = await kernel.row(
        "SELECT generation, outcome, steps, statements FROM tenancy.history WHERE identifier = $1", identifier
    )
    assert tuple(history) == (7, "created", ["CreateTenant"], ran)
    row = await kernel.row("SELECT * FROM tenancy.registry WHERE identifier = $1", identifier)
    assert tuple(row[part] for part in ("cluster", "namespace", "namespace_uid", "name")) == OWNER
    assert (row["state"], row["released_to"], row["abandoned_since"]) == ("active", None, None)


async def test_the_proof_of_ownership(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    claim = await kernel.connection.fetchval(
        "SELECT claim FROM tenancy.registry WHERE identifier = $1", tenant.identifier
    )
    both = await installation.value(
        """SELECT ARRAY[obj_description(n.oid, 'pg_namespace'), shobj_description(r.oid, 'pg_authid'),
                        nspowner::regrole::text]
             FROM pg_namespace n JOIN pg_roles r ON r.rolname = nspname WHERE nspname = $1""",
        tenant.identifier,
    )
    assert both == [f"tenant-manager {claim}", f"tenant-manager {claim}", "tenancy_definer"]


async def test_without_ddl_the_schema_is_for_use_only(kernel: Kernel) -> None:
    tenant = await kernel.create(ddl=False)
    async with tenant.connect() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for schema"):
            await connection.execute("CREATE TABLE notes (id int)")


async def test_connect_comes_through_the_group_also_for_a_role_without_inherit(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    await installation.sql(f"ALTER ROLE {tenant.identifier} NOINHERIT")
    await kernel.call("join", tenant.identifier)
    assert await installation.can_log_in(tenant.identifier, tenant.password)


async def test_the_group_gives_no_set_and_no_admin(tenant: Tenant, installation: Installation) -> None:
    row = await installation.value(
        """SELECT ARRAY[inherit_option, set_option, admin_option] FROM pg_auth_members
            WHERE roleid = 'tenancy_tenant'::regrole AND member = $1::text::regrole""",
        tenant.identifier,
    )
    assert row == [True, False, False]


async def test_a_tenant_sees_its_own_rows_of_the_catalog_alone(kernel: Kernel) -> None:
    silver = {"name": "silver", "generation": 1}
    await kernel.call("set_plan", silver)
    one = await kernel.create(catalog=catalog(name="One", settings={"theme": "dark"}, resources={"users": 3}))
    await kernel.create(catalog=catalog(name="Two", plan="silver", resources={"users": 4}))
    async with one.connect() as connection:
        assert [row["name"] for row in await connection.fetch("SELECT name FROM tenancy.tenants")] == ["One"]
        assert [row["id"] for row in await connection.fetch("SELECT id FROM tenancy.plans")] == ["gold"]
        found = await connection.fetch("SELECT tenant_id, limit_value FROM tenancy.tenant_resources")
        assert [tuple(row) for row in found] == [(one.identifier, 3)]


async def test_an_identifier_is_given_once(kernel: Kernel, tenant: Tenant) -> None:
    with pytest.raises(asyncpg.PostgresError, match="is taken or retained") as refused:
        await kernel.create(tenant.identifier)
    assert refused.value.sqlstate == "TM010"


async def test_four_operators_make_each_of_many_once(kernel: Kernel, installation: Installation) -> None:
    wanted = [name() for _ in range(12)]
    url = installation.login("tenancy_operator", installation.operator.password)

    async def all_of_them() -> int:
        async with connected(url) as connection:
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
            other = Kernel(installation, connection, kernel.epoch)
            return sum([await _created(other, identifier) for identifier in wanted])

    assert sum(await asyncio.gather(*(all_of_them() for _ in range(4)))) == len(wanted)
    schemas = await installation.value("SELECT count(*) FROM pg_namespace WHERE nspname = ANY($1)", wanted)
    assert schemas == len(wanted)


async def test_what_nobody_registered_is_not_taken(kernel: Kernel, installation: Installation) -> None:
    schema, role = name(), name()
    await installation.sql(f"CREATE SCHEMA {schema}", f"CREATE ROLE {role}")
    for identifier in (schema, role):
        with pytest.raises(asyncpg.PostgresError, match="exists and is not ours") as refused:
            await kernel.create(identifier)
        assert refused.value.sqlstate == "TM003"
        assert (
            await kernel.connection.fetchval("SELECT $1 IN (SELECT identifier FROM tenancy.registry)", identifier)
            is False
        )


async def _created(kernel: Kernel, identifier: str) -> int:
    try:
        await kernel.create(identifier)
    except asyncpg.PostgresError as error:
        assert error.sqlstate == "TM010"  # noqa: PT017  # others have made it
        return 0
    return 1
