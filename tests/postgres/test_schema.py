"""A tenant's schema: made again, its grants, its tables dropped in batches."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.postgres.installation import Installation, Kernel, Tenant, name, refused
from tests.servers.postgres import PostgresServer

ACL = """
SELECT array_agg(DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END
                 || ' ' || privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END)
  FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) WHERE nspname = $1"""
OWNERS = ["tenancy_definer CREATE", "tenancy_definer USAGE"]


def exactly(identifier: str, *privileges: str) -> list[str]:
    return sorted([*OWNERS, *(f"{identifier} {privilege}" for privilege in privileges)])


async def acl(installation: Installation, identifier: str) -> list[str]:
    return sorted(await installation.value(ACL, identifier))


async def test_grants_that_are_right_are_left_alone(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    assert await acl(installation, tenant.identifier) == exactly(tenant.identifier, "CREATE", "USAGE")
    assert await kernel.call("set_grants", tenant.identifier, True) == []


@pytest.mark.parametrize(
    "drift",
    [
        "REVOKE CREATE ON SCHEMA {0} FROM {0}",
        "REVOKE ALL ON SCHEMA {0} FROM {0}",
        "REVOKE ALL ON SCHEMA {0} FROM tenancy_definer",
        "GRANT USAGE ON SCHEMA {0} TO PUBLIC",
        "GRANT ALL ON SCHEMA {0} TO {1} WITH GRANT OPTION; SET ROLE {1}; GRANT USAGE ON SCHEMA {0} TO PUBLIC, {0}",
        "GRANT ALL ON SCHEMA {0} TO {0} WITH GRANT OPTION; SET ROLE {0}; GRANT ALL ON SCHEMA {0} TO {1}, PUBLIC",
        'CREATE ROLE "{0} Quoted"; GRANT CREATE ON SCHEMA {0} TO "{0} Quoted"',
    ],
)
async def test_grants_become_exact(kernel: Kernel, tenant: Tenant, installation: Installation, drift: str) -> None:
    identifier, stranger = tenant.identifier, name()
    await installation.sql(f"CREATE ROLE {stranger}; {drift.format(identifier, stranger)}")
    assert await acl(installation, identifier) != exactly(identifier, "CREATE", "USAGE")
    assert await kernel.call("set_grants", identifier, True) != []
    assert await acl(installation, identifier) == exactly(identifier, "CREATE", "USAGE")
    await kernel.call("set_grants", identifier, False)
    assert await acl(installation, identifier) == exactly(identifier, "USAGE")
    assert await kernel.call("set_grants", identifier, False) == []


async def test_default_privileges_of_the_tenant_stay(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    async with tenant.connect() as connection:
        await connection.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")
    await kernel.call("set_grants", tenant.identifier, True)
    query = "SELECT count(*) FROM pg_default_acl WHERE defaclrole = $1::text::regrole"
    assert await installation.value(query, tenant.identifier) == 1


async def test_a_dropped_schema_is_made_again(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    await refused(kernel, "TM008", "make_schema", tenant.identifier, True)  # it is there
    await installation.sql(f"DROP SCHEMA {tenant.identifier}")
    await refused(kernel, "TM008", "set_grants", tenant.identifier, True)
    await kernel.call("set_settings", tenant.identifier, {}, 5)  # what concerns the login alone goes on
    await kernel.call("make_schema", tenant.identifier, True)
    assert await acl(installation, tenant.identifier) == exactly(tenant.identifier, "CREATE", "USAGE")
    assert await kernel.call("set_grants", tenant.identifier, True) == []


async def test_a_renamed_schema_gets_its_name_back(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    identifier = tenant.identifier
    async with tenant.connect() as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    await installation.sql(f"ALTER SCHEMA {identifier} RENAME TO {identifier}_away")
    ran = await kernel.call("make_schema", identifier, True)
    assert ran[0] == f"ALTER SCHEMA {identifier}_away RENAME TO {identifier}"
    async with tenant.connect() as connection:
        assert await connection.fetchval("SELECT n FROM kept") == 7


@pytest.mark.parametrize(
    "replacement",
    [
        "CREATE SCHEMA {0}",
        "CREATE SCHEMA {0} AUTHORIZATION tenancy_definer",
        "CREATE SCHEMA {0}; COMMENT ON SCHEMA {0} IS '{1}'",
    ],
    ids=["a-strangers", "without-the-mark", "a-copied-mark"],
)
async def test_a_replaced_schema_is_left_alone(
    kernel: Kernel, tenant: Tenant, installation: Installation, replacement: str
) -> None:
    identifier = tenant.identifier
    mark = await installation.value("SELECT obj_description($1::text::regnamespace, 'pg_namespace')", identifier)
    await installation.sql(f"DROP SCHEMA {identifier}; {replacement.format(identifier, mark)}")
    before = await acl(installation, identifier)
    for function, args in (
        ("make_schema", (True,)),
        ("set_grants", (True,)),
        ("open_login", ()),
        ("join", ()),
        ("set_settings", ({}, 5)),
        ("drop_tables", (10,)),
    ):
        await refused(kernel, "TM008", function, identifier, *args)
    await kernel.call("close_login", identifier)
    dropped = await kernel.call("drop_tenant", identifier)
    assert dropped["leftovers"] == [f"The schema {identifier} was replaced by one that is not ours and was left alone."]
    assert await acl(installation, identifier) == before


async def test_tables_are_dropped_in_batches(kernel: Kernel, tenant: Tenant) -> None:
    async with tenant.connect() as connection:
        await connection.execute("""
            DO $$ BEGIN FOR i IN 1..20 LOOP
                EXECUTE format('CREATE TABLE t%s (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n serial)', i);
            END LOOP; END $$;
            CREATE TABLE "Odd; ""name"" %s" (id int);
            CREATE TABLE parts (id int) PARTITION BY RANGE (id);
            CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (2);
            CREATE SEQUENCE alone; CREATE VIEW v AS SELECT * FROM t1; CREATE VIEW w AS SELECT * FROM v;
            CREATE MATERIALIZED VIEW m AS SELECT 1 AS n""")
    left = [await kernel.call("drop_tables", tenant.identifier, 0)]
    while left[-1] > 0:
        left.append(await kernel.call("drop_tables", tenant.identifier, 8))
        assert left[-1] < left[-2]
    assert left[0] > 24
    await refused(kernel, "TM009", "drop_tables", tenant.identifier, 100_000)


async def test_a_schema_too_large_for_one_drop(server_folder: Path) -> None:
    """DROP SCHEMA takes four locks a table; a server with room for few shows what thousands of tables do elsewhere."""
    installation = await Installation.create(PostgresServer.create(18, server_folder), "createrole")
    installation.server.stop()
    few = {"max_locks_per_transaction": "10", "max_connections": "12", "max_wal_senders": "0"}
    server = PostgresServer.create(18, server_folder, settings=few)
    kernel = await Kernel.lead(replace(installation, server=server))
    tenant = await kernel.create(settings={})
    async with tenant.connect() as connection:
        for first in range(0, 400, 40):
            await connection.execute(f"""
                DO $$ BEGIN FOR i IN {first}..{first + 39} LOOP EXECUTE format('CREATE TABLE t%s (id text)', i);
                END LOOP; END $$""")
    await refused(kernel, "53200", "drop_tenant", tenant.identifier)
    while await kernel.call("drop_tables", tenant.identifier, 40):
        pass
    assert (await kernel.call("drop_tenant", tenant.identifier))["leftovers"] == []
    await kernel.connection.close(timeout=20)
    server.stop()
