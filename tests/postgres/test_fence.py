"""One leader: an older epoch writes nothing, a sleeping leader is passed by, a copy is refused."""

import asyncpg
import pytest

from tests.postgres.installation import (
    LOST,
    PLAN,
    Installation,
    Kernel,
    Tenant,
    arguments,
    catalog,
    connected,
    fresh,
    migrator_url,
    name,
    refused,
)

OWNER = ("cluster-1", "team-a", "uid-1", "acme")


def calls(identifier: str) -> dict[str, tuple[object, ...]]:
    """Every function of the operator that takes the epoch, with its other arguments."""
    verifier = fresh().verifier()
    return {
        "create_tenant": arguments(name(), OWNER, fresh()),
        "make_login": (identifier, verifier, 5, {}),
        "make_schema": (identifier, True),
        "join": (identifier,),
        "set_grants": (identifier, True),
        "set_verifier": (identifier, "a", verifier, 5),
        "set_settings": (identifier, {}, 5),
        "close_login": (identifier,),
        "open_login": (identifier,),
        "terminate": (identifier,),
        "retain": (identifier,),
        "restore": (identifier, *OWNER),
        "drop_tables": (identifier, 10),
        "drop_tenant": (identifier,),
        "drop_leftover": (f"{identifier}__x12345678",),
        "mark_abandoned": (identifier, True),
        "set_catalog": (identifier, catalog()),
        "set_plan": (PLAN,),
        "forget_plan": ("gold",),
        "record": (identifier, 1, "applied", ["a"], ["b"]),
        "set_migrator_verifier": (verifier,),
    }


async def test_every_function_with_an_epoch_is_listed_here(installation: Installation) -> None:
    query = """SELECT array_agg(proname::text) FROM pg_proc WHERE pronamespace = 'tenancy'::regnamespace
                  AND 'p_epoch' = proargnames[1] AND has_function_privilege('tenancy_operator', oid, 'EXECUTE')"""
    assert sorted(await installation.value(query)) == sorted(calls("x"))


@pytest.mark.parametrize("function", calls("x"))
async def test_an_old_epoch_writes_nothing(kernel: Kernel, tenant: Tenant, function: str) -> None:
    kernel.epoch -= 1
    await refused(kernel, "TM001", function, *calls(tenant.identifier)[function])
    kernel.epoch += 2  # one that nobody has yet
    await refused(kernel, "TM001", function, *calls(tenant.identifier)[function])
    kernel.epoch = None  # type: ignore[assignment]  # what a thief may send
    await refused(kernel, "TM001", function, *calls(tenant.identifier)[function])


async def test_taking_the_lead_ends_the_other_ones(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    other = await Kernel.lead(installation, "other")
    assert other.epoch > kernel.epoch
    await refused(kernel, "TM001", "close_login", tenant.identifier)
    await other.call("close_login", tenant.identifier)
    await other.connection.close(timeout=20)


async def test_a_leader_that_sleeps_in_a_transaction(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    sleeper = await Kernel.lead(installation, "sleeper")
    await sleeper.connection.execute("BEGIN")
    await sleeper.call("close_login", tenant.identifier)
    with pytest.raises(asyncpg.LockNotAvailableError):
        await kernel.connection.fetchval("SELECT tenancy.take_lead('next')")
    ended = await kernel.connection.fetch("""
        SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE relation = 'tenancy.leader'::regclass AND usename = current_user AND pid <> pg_backend_pid()""")
    assert ended
    assert await kernel.connection.fetchval("SELECT tenancy.take_lead('next')") == sleeper.epoch + 1
    with pytest.raises(LOST):
        await sleeper.connection.execute("COMMIT")
    assert await installation.can_log_in(tenant.identifier, tenant.password)  # nothing of it stands


async def test_a_sleeping_leader_is_rolled_back_by_the_server(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    sleeper = await Kernel.lead(installation, "sleeper")
    await sleeper.connection.execute("SET idle_in_transaction_session_timeout = '300ms'; BEGIN")
    await sleeper.call("close_login", tenant.identifier)
    assert await kernel.connection.fetchval("SELECT tenancy.take_lead('next')") == sleeper.epoch + 1
    assert await installation.can_log_in(tenant.identifier, tenant.password)
    sleeper.connection.terminate()


async def test_a_migrators_run_does_not_hold_up_a_take_over(kernel: Kernel, installation: Installation) -> None:
    url = await migrator_url(kernel)
    await installation.sql("GRANT EXECUTE ON FUNCTION tenancy.fence TO tenancy_migrator")
    async with connected(url) as run:
        await run.execute(f"BEGIN; SELECT tenancy.fence({kernel.epoch})")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await kernel.connection.fetchval("SELECT tenancy.take_lead('next')")
        assert await kernel.connection.fetchval("SELECT tenancy.end_runs()") == 1
        assert await kernel.connection.fetchval("SELECT tenancy.take_lead('next')") == kernel.epoch + 1
    await installation.sql("REVOKE EXECUTE ON FUNCTION tenancy.fence FROM tenancy_migrator")


async def test_a_copy_of_the_database_is_refused(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    """On the same server its roles are the original's: work there would drop the login here."""
    copy = name()
    async with connected(installation.server.superuser_url) as postgres:
        await postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'tenants'")
        await postgres.execute(f"CREATE DATABASE {copy} TEMPLATE tenants STRATEGY file_copy")
        await postgres.execute(f"GRANT CONNECT ON DATABASE {copy} TO tenancy_operator")
    url = installation.login("tenancy_operator", installation.operator.password, copy)
    async with connected(url) as connection:
        for query in (
            "SELECT tenancy.take_lead('copy')",
            f"SELECT tenancy.drop_tenant({kernel.epoch}, '{tenant.identifier}')",
        ):
            with pytest.raises(asyncpg.PostgresError, match="this database is a copy") as error:
                await connection.execute(query)
            assert error.value.sqlstate == "TM011"
    async with connected(installation.superuser_url.replace("/tenants", f"/{copy}")) as connection:
        await connection.execute("SET ROLE tenancy_admin")
        for call in (f"purge('{tenant.identifier}')", f"release('{tenant.identifier}', 'a', 'b')", "rebind('c')"):
            with pytest.raises(asyncpg.PostgresError, match="this database is a copy"):
                await connection.execute(f"SELECT tenancy.{call}")
    assert await installation.can_log_in(tenant.identifier, tenant.password)
