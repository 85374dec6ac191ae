"""What the commands refuse, and the questions that purge asks. On one server: its version changes none of this."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.postgres.commands import a_person, as_operator, is_there, password_in, run, set_aside
from tests.postgres.installation import Installation, Kernel, Tenant, connected, user_of
from tests.servers.ports import free_ports
from tests.servers.postgres import PostgresServer

HAND_OVER = (
    ("release", "tenant_acme", "--to", "team-b/acme"),
    ("release", "--all", "--from-cluster", "cluster-1"),
    ("rebind", "--from-cluster", "cluster-1"),
    ("purge", "tenant_acme", "--yes"),
)


@pytest_asyncio.fixture(scope="module")
async def place(servers_folder: Path) -> AsyncIterator[Installation]:
    few_locks = {"max_locks_per_transaction": "16", "max_connections": "20"}
    server = PostgresServer.create(18, servers_folder / "commands", settings=few_locks)
    yield await Installation.create(server, "createrole")
    server.stop()


@pytest_asyncio.fixture(scope="module")
async def operator(place: Installation) -> AsyncIterator[Kernel]:
    kernel = await Kernel.lead(place)
    yield kernel
    await kernel.connection.close(timeout=20)


@pytest_asyncio.fixture
async def tenant(operator: Kernel) -> Tenant:
    return await operator.create()


async def test_a_password_from_a_file_or_stdin(place: Installation, tmp_path: Path) -> None:
    url, file = password_in(tmp_path, await a_person(place))
    assert run(url, "retained", "--password-file", file).code == 0
    assert run(url, "retained", "--password-file", "-", stdin=Path(file).read_text()).code == 0
    assert run(url, "retained").code == 1


async def test_who_may_not_look(place: Installation, tenant: Tenant) -> None:
    outsider = run(await a_person(place, administers=False), "retained")
    assert outsider.code == 1
    assert "permission denied for database" in outsider.err
    assert "GRANT tenancy_admin TO" in outsider.err
    as_tenant = run(tenant.url, "retained")
    assert as_tenant.code == 1
    assert as_tenant.err.startswith(f"{tenant.identifier} may not do this: it is a login for programs.")


@pytest.mark.parametrize(
    ("table", "broken", "sentence"),
    [
        ("leader", "database = 1", "DatabaseCopied: this database is a copy, and nothing is shown or changed in it."),
        ("kernel", "version = version + 1", "Use the program of the operator's version, or upgrade the database"),
    ],
    ids=["copy", "version"],
)
async def test_a_database_that_does_not_fit(
    place: Installation, operator: Kernel, table: str, broken: str, sentence: str
) -> None:
    person, tenant = await a_person(place), await set_aside(operator)
    async with place.as_superuser() as connection:
        before = await connection.fetchrow(f"SELECT * FROM tenancy.{table}")
        assert before is not None
        await connection.execute(f"UPDATE tenancy.{table} SET {broken}")
        try:
            found = [
                run(person, *command)
                for command in (
                    ["retained"],
                    ["release", tenant.identifier, "--to", "team-b/acme"],
                    ["rebind", "--from-cluster", "cluster-1"],
                    ["purge", tenant.identifier, "--yes"],
                )
            ]
        finally:
            column = broken.partition(" ")[0]
            await connection.execute(f"UPDATE tenancy.{table} SET {column} = $1", before[column])
    for one in found:
        assert (one.code, one.out) == (1, "")
        assert sentence in one.err


async def test_no_session(place: Installation) -> None:
    (port,) = free_ports(1)
    own, superuser = as_operator(place), place.superuser_url
    here, nowhere = f":{place.server.port}/", f":{port}/"
    cases = {
        own.replace(here, nowhere): "Connect call failed",
        place.login("tenancy_operator", "wr0ngwr0ng"): "password authentication failed",
        place.login("tenancy_operator", "s3cret", "nowhere"): "password authentication failed",
        superuser.replace("/tenants", "/postgres"): "This database was never prepared for tenants.",
        superuser.replace("/tenants", "/nowhere"): 'database "nowhere" does not exist',
        own
        + "?sslmode=verify-full&sslrootcert=/nowhere/ca": "A file or socket that DATABASE_URL names does not exist.",
        own + "?sslmode=verify-whole": "DATABASE_URL must be a URL such as",
        "postgresql://me:s3cret@localhost:port/x": "DATABASE_URL must be a URL such as",
        "mysql://me:s3cret@localhost/x": "DATABASE_URL must be a URL such as",
        "postgresql://me:s3c#ret@localhost/x": "DATABASE_URL",
    }
    for url, sentence in cases.items():
        found = run(url, "retained")
        assert (found.code, found.out) == (1, ""), url
        assert sentence in found.err
        assert found.err.count("\n") == 1
        assert "s3c" not in found.err


async def test_no_cluster_of_that_name(place: Installation, tenant: Tenant) -> None:
    done = run(place.superuser_url, "rebind", "--from-cluster", "clutser-1")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Cluster clutser-1 has no active tenants. Clusters that have some: ")
    assert "cluster-1" in done.err
    assert "(probe)" not in done.err


async def test_what_cannot_be_released(place: Installation, operator: Kernel, tenant: Tenant) -> None:
    person = await a_person(place)
    for command in (("release", "--to", "team-b/acme"), ("purge", "--yes")):
        unknown = run(person, *command, "tenant_unknown")
        assert (unknown.code, unknown.out) == (1, "")
        assert "tenant_unknown is not known here." in unknown.err
        in_use = run(person, *command, tenant.identifier)
        assert (in_use.code, in_use.out) == (1, "")
        whose = f"{tenant.identifier} is in use by Tenant team-a/{tenant.owner[3]} of cluster cluster-1."
        assert whose in in_use.err
    await operator.call("mark_abandoned", tenant.identifier, True)
    abandoned = run(person, "release", tenant.identifier, "--to", "team-b/acme")
    assert abandoned.code == 1
    assert "is abandoned, not retained" in abandoned.err
    assert await place.can_log_in(tenant.identifier, tenant.password)


async def test_who_may_not(place: Installation) -> None:
    for command in HAND_OVER:
        operator = run(as_operator(place), *command)
        assert (operator.code, operator.out) == (1, "")
        assert operator.err.startswith("tenancy_operator may not do this: it is a login for programs.")
        assert "GRANT" not in operator.err
        maker = run(place.url, *command)  # made the roles, and is a member of none
        assert (maker.code, maker.out) == (1, "")
        assert "runs: GRANT tenancy_admin TO tenants_admin WITH INHERIT TRUE;" in maker.err


async def test_the_grant_that_it_names_is_the_one_that_helps(place: Installation, operator: Kernel) -> None:
    tenant, name, quoted = await set_aside(operator), "Jo's", '"Jo\'s"'
    command = ("release", tenant.identifier, "--to", "team-b/acme")
    async with connected(place.url) as administrator:
        await administrator.execute(
            f"CREATE ROLE {quoted} LOGIN NOINHERIT PASSWORD 'x-y-z'; GRANT CONNECT ON DATABASE tenants TO {quoted}"
        )
        refused = run(place.login(name, "x-y-z"), *command)
        assert refused.code == 1
        grant = refused.err.partition("runs: ")[2].strip()
        assert grant == f"GRANT tenancy_admin TO {quoted} WITH INHERIT TRUE;"
        await administrator.execute(grant)
    assert run(place.login(name, "x-y-z"), *command).code == 0


async def test_a_lock_on_the_row_is_said(place: Installation, operator: Kernel) -> None:
    tenant = await set_aside(operator)
    async with place.as_superuser() as connection, connection.transaction():
        await connection.execute("SELECT FROM tenancy.registry WHERE identifier = $1 FOR UPDATE", tenant.identifier)
        done = run(await a_person(place), "release", tenant.identifier, "--to", "team-b/acme")
    assert (done.code, done.out) == (1, "")
    assert done.err == ("Another session holds a lock on it for more than 2 seconds. Nothing was changed; try again.\n")


async def test_a_read_only_database_is_said(place: Installation, operator: Kernel) -> None:
    tenant = await set_aside(operator)
    person = await a_person(place) + "?default_transaction_read_only=on"
    assert run(person, "retained").code == 0
    done = run(person, "release", tenant.identifier, "--to", "team-b/acme")
    assert done.code == 1
    assert done.err.startswith("The database takes no writes")


async def test_a_person_types_the_identifier(place: Installation, operator: Kernel) -> None:
    tenant, person = await set_aside(operator), await a_person(place)
    for typed in ("\n", "y\n", f"{tenant.identifier}x\n", "\x04"):
        done = run(person, "purge", tenant.identifier, typed=typed)
        assert done.code == 1
        assert "former owner:" in done.out
        assert "is purged" not in done.out
        assert "Nothing was dropped." in done.err or "Aborted!" in done.err
        assert await is_there(place, tenant)
    done = run(person, "purge", tenant.identifier, typed=f"{tenant.identifier}\n")
    assert (done.code, done.err) == (0, "")
    assert f"{tenant.identifier} is purged." in done.out
    assert not await is_there(place, tenant)


async def test_without_a_terminal_it_refuses(place: Installation, operator: Kernel) -> None:
    tenant = await set_aside(operator)
    done = run(await a_person(place), "purge", tenant.identifier, stdin=f"{tenant.identifier}\n")
    assert done.code == 1
    assert done.err == "Nobody is here to type the identifier. Nothing was dropped; scripts say --yes.\n"
    assert await is_there(place, tenant)


async def test_what_changes_while_somebody_types_is_not_purged(place: Installation, operator: Kernel) -> None:
    tenant, person = await set_aside(operator), await a_person(place)

    def colleague() -> None:
        until_it_asks(place, person)
        assert run(place.superuser_url, "release", tenant.identifier, "--to", "team-b/acme").code == 0

    done = run(person, "purge", tenant.identifier, typed=f"{tenant.identifier}\n", meanwhile=colleague)
    assert done.code == 1
    assert done.err.startswith(f"Somebody changed {tenant.identifier} meanwhile. Nothing was dropped")
    assert await is_there(place, tenant)


async def test_a_long_name_has_no_default_secret(place: Installation, operator: Kernel) -> None:
    tenant = await set_aside(operator, "cluster-1", "team-a", "uid-1", "a" * 243)
    done = run(await a_person(place), "purge", tenant.identifier, "--yes")
    assert done.code == 0
    assert "kubectl delete" not in done.out
    assert f"--selector tenancy.neostack.io/tenant={tenant.identifier}" in done.out


async def test_a_schema_that_is_gone_is_purged_too(place: Installation, operator: Kernel) -> None:
    tenant = await set_aside(operator)
    await place.sql(f"DROP SCHEMA {tenant.identifier} CASCADE")
    done = run(await a_person(place), "purge", tenant.identifier, "--yes")
    assert done.code == 0
    assert "size:          unknown" in done.out
    assert not await is_there(place, tenant)


async def test_a_schema_too_large_for_one_transaction_is_purged_in_parts(
    place: Installation, operator: Kernel, tenant: Tenant
) -> None:
    async with tenant.connect() as session:
        for _ in range(6):
            await session.execute(
                "DO $$ BEGIN FOR n IN 1..100 LOOP EXECUTE format('CREATE TABLE %I (k text PRIMARY KEY)', "
                "gen_random_uuid()); END LOOP; END $$"
            )
    await operator.call("retain", tenant.identifier)
    done = run(await a_person(place), "purge", tenant.identifier, "--yes")
    assert (done.code, done.err) == (0, "")
    assert not await is_there(place, tenant)


async def test_a_lost_session_changes_nothing(place: Installation, operator: Kernel) -> None:
    tenant, person = await set_aside(operator), await a_person(place)

    def cut() -> None:
        until_it_asks(place, person)
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename"
        assert place.server.sql(f"{end} = '{user_of(person)}'") == "t"

    done = run(person, "purge", tenant.identifier, typed=f"{tenant.identifier}\n", meanwhile=cut)
    assert done.code == 1
    assert done.err.startswith("The session broke: ")
    assert await is_there(place, tenant)


def until_it_asks(place: Installation, person: str) -> None:
    """Its session has shown what it found, and is idle."""
    idle = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{user_of(person)}' AND query = 'COMMIT;'"
    deadline = time.monotonic() + 30
    while place.server.sql(idle) == "0":
        assert time.monotonic() < deadline
        time.sleep(0.05)
