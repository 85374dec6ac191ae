"""Deletion for good: schema and roles go, whatever resists; nothing else is touched."""

import asyncio

import asyncpg
import pytest

from tests.postgres.installation import Installation, Kernel, Tenant, connected, name, refused

GRANTS = {  # what a neighbour grants, each on an object of its own
    "table": "CREATE TABLE o (a int, b int); GRANT SELECT ON o TO {0} WITH GRANT OPTION",
    "column": "CREATE TABLE o (a int, b int); GRANT UPDATE (a) ON o TO {0}",
    "sequence": "CREATE SEQUENCE o; GRANT USAGE ON SEQUENCE o TO {0}",
    "view": "CREATE VIEW o AS SELECT 1 AS n; GRANT SELECT ON o TO {0}",
    "function": "CREATE FUNCTION o() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION o TO {0}",
    "procedure": "CREATE PROCEDURE o() LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON PROCEDURE o TO {0}",
    "type": "CREATE TYPE o AS ENUM ('a'); GRANT USAGE ON TYPE o TO {0}",
    "default privileges": "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {0}",
}


async def gone(installation: Installation, identifier: str) -> bool:
    query = """SELECT (SELECT count(*) FROM pg_roles WHERE rolname = $1)
                    + (SELECT count(*) FROM pg_namespace WHERE nspname = $1)
                    + (SELECT count(*) FROM tenancy.registry WHERE identifier = $1)
                    + (SELECT count(*) FROM tenancy.logins WHERE identifier = $1)
                    + (SELECT count(*) FROM tenancy.tenants WHERE id = $1)
                    + (SELECT count(*) FROM tenancy.tenant_resources WHERE tenant_id = $1)"""
    return bool(await installation.value(query, identifier) == 0)


async def test_nothing_is_left(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    async with tenant.connect() as connection:
        await connection.execute("""
            CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int REFERENCES a); CREATE VIEW v AS SELECT * FROM a;
            CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN small AS int CHECK (value < 10);
            CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES
            TO PUBLIC""")
    dropped = await kernel.call("drop_tenant", tenant.identifier)
    assert dropped["leftovers"] == []
    assert dropped["statements"][0] == f"DROP SCHEMA {tenant.identifier} CASCADE"
    assert await gone(installation, tenant.identifier)
    await refused(kernel, "TM004", "drop_tenant", tenant.identifier)
    await kernel.create(tenant.identifier)


async def test_while_the_tenant_is_at_work(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    session = await asyncpg.connect(tenant.url)
    await session.execute("BEGIN; CREATE TABLE busy (id int); LOCK TABLE busy; ALTER ROLE CURRENT_USER PASSWORD 'x'")
    async with asyncio.timeout(10):
        assert (await kernel.call("drop_tenant", tenant.identifier))["leftovers"] == []
    assert await gone(installation, tenant.identifier)
    session.terminate()


async def test_what_is_gone_counts_as_done(kernel: Kernel, installation: Installation) -> None:
    for missing in ("DROP SCHEMA {0}", "DROP OWNED BY {0}; DROP ROLE {0}", "DROP SCHEMA {0}; DROP ROLE {0}"):
        tenant = await kernel.create()
        await installation.sql(f"REVOKE ALL ON SCHEMA {tenant.identifier} FROM {tenant.identifier}")
        await installation.sql(missing.format(tenant.identifier))
        assert (await kernel.call("drop_tenant", tenant.identifier))["leftovers"] == []
        assert await gone(installation, tenant.identifier)


async def test_what_was_renamed_goes_too(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    role = tenant.identifier
    await installation.sql(f"ALTER ROLE {role} RENAME TO {role}_away; ALTER SCHEMA {role} RENAME TO {role}_away")
    assert (await kernel.call("drop_tenant", role))["leftovers"] == []
    assert await gone(installation, role)
    query = "SELECT count(*) FROM pg_roles, pg_namespace WHERE $1 IN (rolname, nspname)"
    assert await installation.value(query, f"{role}_away") == 0


@pytest.mark.parametrize("power", ["SUPERUSER", "CREATEROLE"])
async def test_what_was_renamed_and_made_powerful_stays(kernel: Kernel, installation: Installation, power: str) -> None:
    tenant = await kernel.create()
    role = tenant.identifier
    await installation.sql(f"ALTER ROLE {role} RENAME TO {role}_away; ALTER ROLE {role}_away {power}")
    leftovers = (await kernel.call("drop_tenant", role))["leftovers"]
    if power == "CREATEROLE":  # a superuser under another name has nothing to do with the tenant any more
        assert leftovers == [f"The role {role} has attributes that no tenant may have and was left alone."]
    count = "SELECT count(*) FROM pg_roles WHERE rolname = ANY($1)"
    assert await installation.value(count, [role, f"{role}_away"]) == 1


async def test_a_strangers_role_stays(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    role = tenant.identifier
    await installation.sql(f"DROP OWNED BY {role}; DROP ROLE {role}; CREATE ROLE {role} LOGIN PASSWORD 'strangers'")
    dropped = await kernel.call("drop_tenant", role)
    assert dropped["leftovers"] == [f"The role {role} was replaced by one that is not ours and was left alone."]
    assert await installation.value("SELECT count(*) FROM pg_roles WHERE rolname = $1 AND rolcanlogin", role) == 1
    await refused(kernel, "TM004", "drop_tenant", role)


@pytest.mark.parametrize("kind", GRANTS)
async def test_a_neighbours_grant(kernel: Kernel, installation: Installation, kind: str) -> None:
    tenant, neighbour = await kernel.create(), await kernel.create()
    async with neighbour.connect() as connection:
        await connection.execute(GRANTS[kind].format(tenant.identifier))
    assert (await kernel.call("drop_tenant", tenant.identifier))["leftovers"] == []
    assert await gone(installation, tenant.identifier)
    lent = (
        """SELECT count(*) FROM pg_auth_members WHERE roleid = $1::text::regrole AND (inherit_option OR set_option)"""
    )
    assert await installation.value(lent, neighbour.identifier) == 0  # and taken back
    assert (await kernel.call("drop_tenant", neighbour.identifier))["leftovers"] == []


async def test_a_retained_neighbours_grant(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    neighbour = await kernel.create()
    async with neighbour.connect() as connection:
        await connection.execute(GRANTS["table"].format(tenant.identifier))
    await kernel.call("retain", neighbour.identifier)
    assert (await kernel.call("drop_tenant", tenant.identifier))["leftovers"] == []


async def shelved(kernel: Kernel, identifier: str) -> asyncpg.Record:
    return await kernel.row("SELECT * FROM tenancy.leftovers WHERE identifier = $1", identifier)


async def test_a_strangers_grant_leaves_a_role_without_login(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    identifier = tenant.identifier
    claim = str(
        await kernel.connection.fetchval("SELECT claim FROM tenancy.registry WHERE identifier = $1", identifier)
    )
    await installation.sql(
        f"CREATE SCHEMA s_{identifier}; CREATE TABLE s_{identifier}.t (a int); "
        f"GRANT SELECT ON s_{identifier}.t TO {identifier}"
    )
    (sentence,) = (await kernel.call("drop_tenant", identifier))["leftovers"]
    assert await gone(installation, identifier)
    left = await shelved(kernel, identifier)
    assert left["role"] == f"{identifier}__x{claim[:8]}"
    assert (left["tries"], f"s_{identifier}.t" in left["reason"]) == (1, True)
    assert sentence == (
        f"The role {identifier} could not be dropped ({left['reason']}): it is now {left['role']}, without login, and "
        "is tried again."
    )
    state = """SELECT ARRAY[rolcanlogin, rolpassword IS NOT NULL,
                            EXISTS (SELECT FROM pg_auth_members WHERE member = oid),
                            EXISTS (SELECT FROM pg_auth_members WHERE roleid = oid AND inherit_option)]
                 FROM pg_authid WHERE rolname = $1"""
    assert await installation.value(state, left["role"]) == [False, False, False, False]

    assert await kernel.call("drop_leftover", left["role"]) == []
    assert (await shelved(kernel, identifier))["tries"] == 2
    again = await kernel.create(identifier)  # the name is free meanwhile
    await installation.sql(f"DROP SCHEMA s_{identifier} CASCADE")
    assert f"DROP ROLE {left['role']}" in await kernel.call("drop_leftover", left["role"])
    assert await installation.value("SELECT count(*) FROM pg_roles WHERE rolname = $1", left["role"]) == 0
    await refused(kernel, "TM004", "drop_leftover", left["role"])
    assert await installation.can_log_in(identifier, again.password)


async def test_a_large_object_in_another_database(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    async with connected(installation.login(tenant.identifier, tenant.password, "postgres")) as connection:
        await connection.execute("SELECT lo_create(0)")
    (sentence,) = (await kernel.call("drop_tenant", tenant.identifier))["leftovers"]
    assert "1 object in database postgres" in sentence
    assert await gone(installation, tenant.identifier)
    left = (await shelved(kernel, tenant.identifier))["role"]
    async with connected(installation.server.superuser_url) as postgres:
        await postgres.execute(f"DROP OWNED BY {left}")
    assert await kernel.call("drop_leftover", left) != []


async def test_a_large_object_here(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    if installation.administrator == "superuser":
        async with tenant.connect() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for function lo_create"):
                await connection.execute("SELECT lo_create(0)")
        return
    neighbour = await kernel.create()
    async with tenant.connect() as connection, neighbour.connect() as other:
        await connection.execute("SELECT lo_create(0)")
        number = await other.fetchval("SELECT lo_create(0)")
        await other.execute(f"GRANT SELECT ON LARGE OBJECT {number} TO {tenant.identifier}")
    assert (await kernel.call("drop_tenant", tenant.identifier))["leftovers"] == []


async def test_a_leftover_that_somebody_dropped_or_replaced(kernel: Kernel, installation: Installation) -> None:
    for fate, empty in (
        ("DROP ROLE {0}", False),
        ("DROP ROLE {0}; CREATE ROLE {0}", True),
        ("ALTER ROLE {0} SUPERUSER", True),
    ):
        tenant = await kernel.create()
        await installation.sql(
            f"CREATE SCHEMA s_{tenant.identifier}; GRANT USAGE ON SCHEMA s_{tenant.identifier} TO {tenant.identifier}"
        )
        await kernel.call("drop_tenant", tenant.identifier)
        left = (await shelved(kernel, tenant.identifier))["role"]
        await installation.sql(f"DROP OWNED BY {left}; {fate.format(left)}")
        assert (await kernel.call("drop_leftover", left) == []) is empty
        assert await installation.value("SELECT count(*) FROM pg_roles WHERE rolname = $1", left) == int(empty)


async def test_others_are_not_touched(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    bystander, stranger = await kernel.create(), name()
    await installation.sql(
        f"CREATE ROLE {stranger} LOGIN PASSWORD 'x'; CREATE SCHEMA {stranger} AUTHORIZATION {stranger}"
    )
    for identifier in (stranger, "tenancy_app", "postgres", f"{bystander.identifier}__own"):
        with pytest.raises(asyncpg.PostgresError) as error:
            await kernel.call("drop_tenant", identifier)
        assert error.value.sqlstate in {"TM002", "TM004"}
    await kernel.call("drop_tenant", tenant.identifier)
    assert await installation.can_log_in(bystander.identifier, bystander.password)
    assert await installation.value("SELECT count(*) FROM pg_namespace WHERE nspname = $1", stranger) == 1
