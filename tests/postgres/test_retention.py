"""Retain, give back, hand over: data stays where it is, and only who may take it gets it."""

import asyncpg
import pytest

from tests.postgres.installation import (
    Installation,
    Kernel,
    Tenant,
    arguments,
    catalog,
    connected,
    fresh,
    name,
    refused,
)

REGISTRY = (
    "SELECT state, cluster, namespace, namespace_uid, name, released_to FROM tenancy.registry WHERE identifier = $1"
)
MEMBER = "SELECT count(*) FROM pg_auth_members WHERE member = $1::text::regrole AND roleid = 'tenancy_tenant'::regrole"
COMMENTS = """
SELECT ARRAY[obj_description(n.oid, 'pg_namespace'), shobj_description(r.oid, 'pg_authid')]
  FROM pg_namespace n JOIN pg_roles r ON r.rolname = nspname WHERE nspname = $1"""
STRANGER = ("cluster-1", "team-b", "uid-b", "other")


async def admin(installation: Installation, function: str, *args: object) -> object:
    """Call a function as a member of tenancy_admin."""
    person = name()
    await installation.sql(f"CREATE ROLE {person} LOGIN PASSWORD 'x' IN ROLE tenancy_admin")
    async with connected(installation.login(person, "x")) as connection:
        marks = ", ".join(f"${number + 1}" for number in range(len(args)))
        (row,) = await connection.fetch(f"SELECT * FROM tenancy.{function}({marks})", *args)
        return row[0] if len(row) == 1 else row


async def test_there_and_back_again(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    identifier = tenant.identifier
    await kernel.call("set_catalog", identifier, catalog(domain=f"{identifier}.example"))
    async with tenant.connect() as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    ran = await kernel.call("retain", identifier)
    assert [statement.split()[0] for statement in ran] == ["ALTER", "COMMENT", "REVOKE", "COMMENT", "UPDATE"]
    assert not await installation.can_log_in(identifier, tenant.password)
    assert await installation.value(MEMBER, identifier) == 0
    schema, role = await installation.value(COMMENTS, identifier)
    assert schema == role
    assert schema[51:].startswith(" retained 20")
    assert tuple(await kernel.row("SELECT status, domain FROM tenancy.tenants WHERE id = $1", identifier)) == (
        "retained",
        None,
    )
    assert (await kernel.row(REGISTRY, identifier))["state"] == "retained"

    await kernel.call("restore", identifier, *tenant.owner)
    assert tuple(await kernel.row(REGISTRY, identifier)) == ("active", *tenant.owner, None)
    schema, role = await installation.value(COMMENTS, identifier)
    assert (len(schema), len(role)) == (51, 51)
    async with tenant.connect() as connection:  # the old password
        assert await connection.fetchval("SELECT n FROM kept") == 7


async def test_what_is_retained_takes_no_call_but_a_few(kernel: Kernel, tenant: Tenant) -> None:
    identifier = tenant.identifier
    await kernel.call("retain", identifier)
    await refused(kernel, "TM010", "create_tenant", *arguments(identifier, STRANGER, fresh()))
    for function, args in (
        ("drop_tenant", ()),
        ("drop_tables", (10,)),
        ("open_login", ()),
        ("close_login", ()),
        ("join", ()),
        ("retain", ()),
        ("set_grants", (True,)),
        ("set_settings", ({}, 5)),
        ("set_verifier", ("a", fresh().verifier(), 5)),
        ("make_login", (fresh().verifier(), 5, {})),
        ("make_schema", (True,)),
        ("set_catalog", (catalog(),)),
        ("mark_abandoned", (True,)),
    ):
        await refused(kernel, "TM004", function, identifier, *args)
    assert await kernel.call("terminate", identifier) == 0


@pytest.mark.parametrize("part", range(4))
async def test_only_the_same_owner_gets_it_back(kernel: Kernel, tenant: Tenant, part: int) -> None:
    await kernel.call("retain", tenant.identifier)
    other = list(tenant.owner)
    other[part] = "other"
    await refused(kernel, "TM012", "restore", tenant.identifier, *other)
    await kernel.call("restore", tenant.identifier, *tenant.owner)


async def test_what_is_active_is_not_restored(kernel: Kernel, tenant: Tenant) -> None:
    await refused(kernel, "TM012", "restore", tenant.identifier, *tenant.owner)
    await refused(kernel, "TM012", "restore", tenant.identifier, *STRANGER)
    await refused(kernel, "TM004", "restore", name(), *STRANGER)
    await refused(kernel, "TM009", "restore", tenant.identifier, "c", "a/b", "uid", "name")


async def test_release_hands_it_over(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    identifier = tenant.identifier
    await kernel.call("retain", identifier)
    await admin(installation, "release", identifier, "team-b", "other")
    await refused(kernel, "TM012", "restore", identifier, "cluster-1", "team-b", "uid-b", "another")
    await kernel.call("restore", identifier, "cluster-2", "team-b", "uid-b", "other")
    assert tuple(await kernel.row(REGISTRY, identifier)) == ("active", "cluster-2", "team-b", "uid-b", "other", None)
    assert await installation.can_log_in(identifier, tenant.password)
    await kernel.call("retain", identifier)
    await refused(kernel, "TM012", "restore", identifier, *tenant.owner)
    outcome = "SELECT outcome, statements FROM tenancy.history WHERE identifier = $1 ORDER BY id DESC LIMIT 1"
    assert tuple(await kernel.row(outcome, identifier)) == (
        "released",
        [f"UPDATE tenancy.registry SET released_to = 'team-b/other' WHERE identifier = '{identifier}'"],
    )


async def test_release_is_for_retained_data_and_real_names(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    with pytest.raises(asyncpg.PostgresError, match="no retained tenant"):
        await admin(installation, "release", tenant.identifier, "team-b", "other")
    await kernel.call("retain", tenant.identifier)
    for namespace, object_name in (("a/b", "c"), ("", "c"), ("a", None), ("a", "b\nc")):
        with pytest.raises(asyncpg.PostgresError) as error:
            await admin(installation, "release", tenant.identifier, namespace, object_name)
        assert error.value.sqlstate == "TM009"


async def test_a_rebuilt_cluster(kernel: Kernel, installation: Installation) -> None:
    cluster = name()
    retained, active, closed = name(), name(), name()
    for identifier in (retained, active, closed):
        await kernel.create(identifier, owner=(cluster, "team-a", "old", identifier.replace("_", "-")))
    await kernel.call("retain", retained)
    await kernel.call("close_login", closed)
    new = {
        identifier: (cluster, "team-a", "new", identifier.replace("_", "-"))
        for identifier in (retained, active, closed)
    }
    for identifier, owner in new.items():
        await refused(kernel, "TM012", "restore", identifier, *owner)
    assert await admin(installation, "release_cluster", cluster) == 1
    assert await admin(installation, "rebind", cluster) == 2
    assert await admin(installation, "rebind", name()) == 0
    for identifier, owner in new.items():
        await kernel.call("restore", identifier, *owner)
        assert tuple(await kernel.row(REGISTRY, identifier)) == ("active", *owner, None)
    login = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
    assert [await installation.value(login, role) for role in (retained, active, closed)] == [True, True, False]
    outcomes = "SELECT array_agg(outcome ORDER BY id) FROM tenancy.history WHERE identifier = $1"
    assert await kernel.connection.fetchval(outcomes, active) == ["created", "rebound"]
    assert await kernel.connection.fetchval(outcomes, retained) == ["created", "released"]


async def test_retaining_what_is_gone(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    identifier, new = tenant.identifier, fresh()
    await installation.sql(f"DROP SCHEMA {identifier}; DROP OWNED BY {identifier}; DROP ROLE {identifier}")
    await kernel.call("retain", identifier)
    async with kernel.connection.transaction():
        await kernel.call("restore", identifier, *tenant.owner)
        await kernel.call("make_login", identifier, new.verifier(), 5, {})
        await kernel.call("make_schema", identifier, True)
        await kernel.call("join", identifier)
    assert await installation.can_log_in(identifier, new.password)


async def test_retaining_what_was_replaced(kernel: Kernel, tenant: Tenant, installation: Installation) -> None:
    identifier = tenant.identifier
    await installation.sql(
        f"DROP SCHEMA {identifier}; DROP OWNED BY {identifier}; DROP ROLE {identifier}",
        f"CREATE ROLE {identifier} LOGIN; CREATE SCHEMA {identifier}",
    )
    await kernel.call("retain", identifier)
    assert await installation.value(COMMENTS, identifier) == [None, None]
    assert await installation.value("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", identifier)
    await refused(kernel, "TM008", "restore", identifier, *tenant.owner)


async def test_abandoned_and_found_again(kernel: Kernel, tenant: Tenant) -> None:
    since = "SELECT abandoned_since FROM tenancy.registry WHERE identifier = $1"
    await kernel.call("mark_abandoned", tenant.identifier, True)
    first = await kernel.connection.fetchval(since, tenant.identifier)
    assert first is not None
    await kernel.call("mark_abandoned", tenant.identifier, True)
    assert await kernel.connection.fetchval(since, tenant.identifier) == first
    await kernel.call("mark_abandoned", tenant.identifier, False)
    assert await kernel.connection.fetchval(since, tenant.identifier) is None


async def test_purge_is_for_administrators_and_retained_data(
    kernel: Kernel, tenant: Tenant, installation: Installation
) -> None:
    identifier = tenant.identifier
    with pytest.raises(asyncpg.PostgresError, match="no retained tenant"):
        await admin(installation, "purge", identifier)
    await kernel.call("retain", identifier)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for function purge"):
        await kernel.connection.execute("SELECT tenancy.purge($1)", identifier)
    purged = await admin(installation, "purge", identifier)
    assert tuple(purged)[1] == []  # type: ignore[arg-type]  # a row
    assert await installation.value("SELECT count(*) FROM pg_roles WHERE rolname = $1", identifier) == 0
    outcome = "SELECT outcome FROM tenancy.history WHERE identifier = $1 ORDER BY id DESC LIMIT 1"
    assert await kernel.connection.fetchval(outcome, identifier) == "purged"
    await kernel.create(identifier)
