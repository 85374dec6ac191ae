"""`tenant-manager release` and `rebind`: who gets what was retained, and the tenants of a rebuilt cluster."""

import asyncpg
import pytest

from tests.postgres.commands import a_person, owned_by, run, set_aside, with_a_note
from tests.postgres.installation import Installation, Kernel, Tenant


async def note_of(tenant: Tenant) -> object:
    async with tenant.connect() as connection:
        return await connection.fetchval("SELECT note FROM notes")


async def test_what_is_released_keeps_its_data(installation: Installation, kernel: Kernel) -> None:
    tenant = await set_aside(kernel)
    other = (tenant.identifier, "cluster-2", "team-b", "uid-other", "acme-2")
    with pytest.raises(asyncpg.PostgresError, match="belongs to another owner"):
        await kernel.call("restore", *other)
    done = run(await a_person(installation), "release", tenant.identifier, "--to", "team-b/acme-2")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"The Tenant team-b/acme-2 may now take {tenant.identifier}; it says `identifier: {tenant.identifier}` in its "
        "spec.\n"
    )
    await kernel.call("restore", *other)
    assert await note_of(tenant) == "kept"  # with the same password
    assert run(installation.superuser_url, "release", tenant.identifier, "--to", "team-b/x").code == 1


async def test_it_may_be_released_to_another_one_later(installation: Installation, kernel: Kernel) -> None:
    tenant = await set_aside(kernel)
    for where in ("team-b/acme", "team-c/acme"):
        assert run(installation.superuser_url, "release", tenant.identifier, "--to", where).code == 0
    with pytest.raises(asyncpg.PostgresError, match="belongs to another owner"):
        await kernel.call("restore", tenant.identifier, "cluster-1", "team-b", "uid", "acme")
    await kernel.call("restore", tenant.identifier, "cluster-1", "team-c", "uid", "acme")


async def test_a_cluster_built_anew_gets_what_was_retained(installation: Installation, kernel: Kernel) -> None:
    first, second = [await set_aside(kernel, "lost", "team-a", "uid-1", name) for name in ("first", "second")]
    elsewhere = await set_aside(kernel, "lives", "team-a", "uid-1", "first")
    done = run(await a_person(installation), "release", "--all", "--from-cluster", "lost")
    assert (done.code, done.err) == (0, "")
    assert done.out == "2 tenants of cluster lost may now be taken, each by a Tenant of its own namespace and name.\n"
    for tenant, name in ((first, "first"), (second, "second")):
        await kernel.call("restore", tenant.identifier, "lost", "team-a", "uid-made-anew", name)
        assert await note_of(tenant) == "kept"
    with pytest.raises(asyncpg.PostgresError, match="belongs to another owner"):
        await kernel.call("restore", elsewhere.identifier, "lost", "team-a", "uid-made-anew", "first")
    again = run(installation.superuser_url, "release", "--all", "--from-cluster", "lost")
    assert again.code == 1
    assert again.err.startswith("Nothing is retained for cluster lost. Clusters that something is retained for: ")
    assert "lives" in again.err


async def test_a_cluster_built_anew_gets_its_active_tenants(installation: Installation, kernel: Kernel) -> None:
    tenant = await with_a_note(await owned_by(kernel, "gone", "team-a", "uid-1", "acme"))
    anew = (tenant.identifier, "gone", "team-a", "uid-made-anew", "acme")
    with pytest.raises(asyncpg.PostgresError, match="belongs to another owner"):
        await kernel.call("restore", *anew)
    async with tenant.connect() as session:
        done = run(await a_person(installation), "rebind", "--from-cluster", "gone")
        assert (done.code, done.err) == (0, "")
        assert done.out == (
            "1 active tenant of cluster gone may now be taken, each by a Tenant of its own namespace and name.\n"
        )
        await kernel.call("restore", *anew)
        assert await session.fetchval("SELECT note FROM notes") == "kept"  # no session was ended
    owner = "SELECT namespace_uid || state || coalesce(released_to, '') FROM tenancy.registry WHERE identifier = $1"
    assert await installation.value(owner, tenant.identifier) == "uid-made-anewactive"
