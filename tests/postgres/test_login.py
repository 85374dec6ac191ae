"""A tenant's login: made again, opened, closed, its settings, its verifier, its membership."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from tests.postgres.installation import (
    LOST,
    Installation,
    Kernel,
    Tenant,
    connected,
    fresh,
    migrator_url,
    name,
    refused,
)

DEFAULTS = {
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "idle_session_timeout": "600s",
    "lock_timeout": "250ms",
    "work_mem": "8192kB",
}
SETTINGS = """
SELECT coalesce(array_agg(c ORDER BY c), '{}') FROM pg_db_role_setting s, unnest(setconfig) AS c
 WHERE setrole = $1::text::regrole AND setdatabase = $2"""


async def test_closing_ends_sessions_and_refuses_logins(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    session = await asyncpg.connect(tenant.url)
    ran = await kernel.call("close_login", tenant.identifier)
    assert ran[-1] == f"ALTER ROLE {tenant.identifier} NOLOGIN"
    while await kernel.call("terminate", tenant.identifier):
        await asyncio.sleep(0.01)
    assert not await installation.can_log_in(tenant.identifier, tenant.password)
    with pytest.raises(LOST):
        await session.execute("SELECT 1")
    await kernel.call("open_login", tenant.identifier)
    assert await installation.can_log_in(tenant.identifier, tenant.password)
    session.terminate()


async def test_no_session_of_clients_that_come_back_in_a_loop(kernel: Kernel, tenant: Tenant) -> None:
    closed = asyncio.Event()

    async def come_back() -> None:
        while not closed.is_set():
            with suppress(*LOST):
                async with tenant.connect() as connection:
                    await connection.execute("SELECT pg_sleep(5)")

    clients = [asyncio.create_task(come_back()) for _ in range(3)]
    await asyncio.sleep(0.1)
    await kernel.call("close_login", tenant.identifier)
    deadline = asyncio.get_running_loop().time() + 5
    while await kernel.call("terminate", tenant.identifier):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert await kernel.call("terminate", tenant.identifier) == 0
    closed.set()
    await asyncio.gather(*clients)


@pytest.mark.parametrize("function", ["close_login", "retain"])
async def test_a_client_that_holds_its_own_role_row(kernel: Kernel, tenant: Tenant, function: str) -> None:
    async with asyncio.timeout(10):
        session = await asyncpg.connect(tenant.url)
        await session.execute(
            "BEGIN; ALTER ROLE CURRENT_USER SET work_mem = '1MB'; ALTER ROLE CURRENT_USER PASSWORD 'x'"
        )
        await kernel.call(function, tenant.identifier)
        session.terminate()


async def test_clients_that_come_back_and_hold_their_role_row(kernel: Kernel, tenant: Tenant) -> None:
    """As the operator does it: a lock_timeout is answered by terminate() in its own transaction and another try."""
    closed = asyncio.Event()

    async def come_back() -> None:
        while not closed.is_set():
            with suppress(*LOST):
                async with tenant.connect() as connection:
                    await connection.execute("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'mine'; SELECT pg_sleep(5)")

    clients = [asyncio.create_task(come_back()) for _ in range(4)]
    await asyncio.sleep(0.2)
    async with asyncio.timeout(30):
        while True:
            with suppress(asyncpg.LockNotAvailableError):
                await kernel.call("close_login", tenant.identifier)
                break
            await kernel.call("terminate", tenant.identifier)
        while await kernel.call("terminate", tenant.identifier):
            await asyncio.sleep(0.01)
    closed.set()
    await asyncio.gather(*clients)
    assert not await kernel.installation.can_log_in(tenant.identifier, "mine")


async def test_settings_are_exactly_those(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    role = tenant.identifier
    database = await installation.value("SELECT oid FROM pg_database WHERE datname = current_database()")
    async with installation.as_superuser() as person:
        for setting in ("search_path = public", "work_mem = '1GB'", "application_name = 'mine'"):
            await person.execute(f"ALTER ROLE {role} SET {setting}")
            await person.execute(f"ALTER ROLE {role} IN DATABASE tenants SET {setting}")
    await kernel.call("set_settings", role, DEFAULTS, 9)
    wanted = [f"{key}={value}" for key, value in DEFAULTS.items()]
    path = f"search_path={role}, extensions"
    assert await installation.value(SETTINGS, role, 0) == sorted([*wanted, path, "application_name=mine"])
    assert await installation.value(SETTINGS, role, database) == ["application_name=mine"]
    await kernel.call("set_settings", role, {"lock_timeout": "1s"}, -1)
    assert await installation.value(SETTINGS, role, 0) == sorted(["lock_timeout=1s", path, "application_name=mine"])
    assert await installation.value("SELECT rolconnlimit FROM pg_roles WHERE rolname = $1", role) == -1


async def test_the_connection_limit_holds(kernel: Kernel, tenant: Tenant) -> None:
    await kernel.call("set_settings", tenant.identifier, {}, 1)
    async with tenant.connect():
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await asyncpg.connect(tenant.url)


async def test_a_new_verifier_is_a_new_password(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    new = fresh()
    ran = await kernel.call("set_verifier", tenant.identifier, "a", new.verifier(), 4)
    assert ran == [f"ALTER ROLE {tenant.identifier} PASSWORD 'SCRAM-SHA-256$<masked>' CONNECTION LIMIT 4"]
    assert not await installation.can_log_in(tenant.identifier, tenant.password)
    assert await installation.can_log_in(tenant.identifier, new.password)
    digest = await kernel.connection.fetchval(
        "SELECT digest = sha256(convert_to($2, 'UTF8')) FROM tenancy.logins WHERE name = $1",
        tenant.identifier,
        new.verifier(),
    )
    assert digest is True
    await refused(kernel, "TM009", "set_verifier", tenant.identifier, "b", new.verifier(), 4)


async def test_a_dropped_login_is_made_again(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    async with tenant.connect() as connection:
        await connection.execute("CREATE TABLE kept (id int)")
    role, new = tenant.identifier, fresh()
    await refused(kernel, "TM007", "make_login", role, new.verifier(), 5, {})  # it is there
    await installation.sql(f"REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}; DROP ROLE {role}")
    for function, args in (("open_login", ()), ("join", ()), ("set_settings", ({}, 5)), ("set_grants", (True,))):
        await refused(kernel, "TM007", function, role, *args)
    await refused(kernel, "TM007", "set_verifier", role, "a", new.verifier(), 5)
    assert await kernel.call("close_login", role) == []
    assert await kernel.call("terminate", role) == 0
    await kernel.call("make_login", role, new.verifier(), 5, {})
    assert not await installation.can_log_in(role, new.password)  # not in the group yet
    await kernel.call("set_grants", role, True)
    await kernel.call("join", role)
    assert await installation.can_log_in(role, new.password)


async def test_a_renamed_login_gets_its_name_back(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    role, new = tenant.identifier, fresh()
    before = await installation.value("SELECT oid FROM pg_roles WHERE rolname = $1", role)
    await installation.sql(f"ALTER ROLE {role} RENAME TO {role}_away")
    ran = await kernel.call("make_login", role, new.verifier(), 5, {"lock_timeout": "1s"})
    assert ran[0] == f"ALTER ROLE {role}_away RENAME TO {role}"
    assert await installation.value("SELECT oid FROM pg_roles WHERE rolname = $1", role) == before
    assert await installation.can_log_in(role, new.password)


async def test_a_renamed_login_is_closed_all_the_same(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    role = tenant.identifier
    await installation.sql(f"ALTER ROLE {role} RENAME TO {role}_away")
    await kernel.call("close_login", role)
    for user in (role, f"{role}_away"):
        assert not await installation.can_log_in(user, tenant.password)


async def test_a_copied_comment_makes_no_role_ours(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    role, impostor, new = tenant.identifier, name(), fresh()
    mark = await installation.value("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1", role)
    await installation.sql(
        f"DROP OWNED BY {role}; DROP ROLE {role}", f"CREATE ROLE {impostor}", f"COMMENT ON ROLE {impostor} IS '{mark}'"
    )
    ran = await kernel.call("make_login", role, new.verifier(), 5, {})
    assert ran[0].startswith(f"CREATE ROLE {role} ")


async def test_a_replaced_login_is_left_alone(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    role, new = tenant.identifier, fresh()
    await installation.sql(f"DROP OWNED BY {role}; DROP ROLE {role}; CREATE ROLE {role} LOGIN PASSWORD 'strangers'")
    await refused(kernel, "TM007", "make_login", role, new.verifier(), 5, {})
    await refused(kernel, "TM007", "set_verifier", role, "a", new.verifier(), 5)
    await refused(kernel, "TM007", "open_login", role)
    await refused(kernel, "TM007", "join", role)
    assert await kernel.call("close_login", role) == []
    assert await installation.value("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", role)


@pytest.mark.parametrize("attribute", ["SUPERUSER", "CREATEROLE", "CREATEDB", "BYPASSRLS", "REPLICATION"])
async def test_a_powerful_login_is_not_touched(kernel: Kernel, installation: Installation, attribute: str) -> None:
    tenant = await kernel.create()
    role = tenant.identifier
    await installation.sql(f"ALTER ROLE {role} {attribute}")
    for function, args in (
        ("open_login", ()),
        ("close_login", ()),
        ("join", ()),
        ("retain", ()),
        ("terminate", ()),
        ("set_settings", ({}, 5)),
        ("set_grants", (True,)),
        ("set_verifier", ("a", fresh().verifier(), 5)),
    ):
        await refused(kernel, "TM005", function, role, *args)
    dropped = await kernel.call("drop_tenant", role)
    assert dropped["leftovers"] == [f"The role {role} has attributes that no tenant may have and was left alone."]
    assert await installation.value("SELECT count(*) FROM pg_roles WHERE rolname = $1", role) == 1


async def test_join_is_exact(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    role = tenant.identifier
    options = """SELECT array_agg(ARRAY[admin_option, inherit_option, set_option]) FROM pg_auth_members
                  WHERE roleid = 'tenancy_tenant'::regrole AND member = $1::text::regrole"""
    executor = await kernel.connection.fetchval("SELECT executor FROM tenancy.registry WHERE identifier = $1", role)
    for drift in ("WITH ADMIN TRUE, SET TRUE", "WITH INHERIT FALSE"):
        await installation.sql(f"GRANT tenancy_tenant TO {role} {drift} GRANTED BY tenancy_executor_{executor}")
        await kernel.call("join", role)
        assert await installation.value(options, role) == [[False, True, False]]
    await installation.sql(f"REVOKE tenancy_tenant FROM {role} GRANTED BY tenancy_executor_{executor}")
    await kernel.call("join", role)
    assert await installation.value(options, role) == [[False, True, False]]
    await installation.sql(f"GRANT tenancy_tenant TO {role} WITH SET TRUE")  # by another grantor: we cannot revoke it
    assert "postgres must run" in await refused(kernel, "TM005", "join", role)


async def test_the_migrators_verifier(kernel: Kernel) -> None:
    async with connected(await migrator_url(kernel)) as run:
        assert await kernel.connection.fetchval("SELECT tenancy.end_runs()") == 1
        with pytest.raises(LOST):
            await run.fetchval("SELECT 1")


async def test_which_passwords_tenants_changed(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    other = await kernel.create()
    async with tenant.connect() as connection:
        await connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'my own'")
    if installation.administrator != "superuser":
        assert await kernel.connection.fetchval("SELECT to_regprocedure('tenancy.changed_passwords()')") is None
        return
    changed = [row[0] for row in await kernel.connection.fetch("SELECT tenancy.changed_passwords()")]
    assert tenant.identifier in changed
    assert other.identifier not in changed
