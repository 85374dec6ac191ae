"""What would be dangerous to repair is left alone: Stalled, with what to do, until a person has put it right."""

import asyncio
from uuid import uuid4

import pytest

from tenant_manager.api import reasons
from tests.cluster import health
from tests.cluster.place import Place
from tests.cluster.waiting import throughout

POWERS = ["SUPERUSER", "CREATEROLE", "CREATEDB", "BYPASSRLS", "REPLICATION"]


@pytest.fixture
async def acme(place: Place) -> Place:
    place.plan(limits={"connections": 5})
    place.tenant(deletionPolicy="Delete")
    await place.ready()
    return place


async def looked_at_again(place: Place, name: str = "acme") -> None:
    place.annotate(name, reconcile_requested_at=uuid4().hex)
    await place.ready(name)


async def test_a_role_that_became_powerful_is_left_alone(place: Place) -> None:
    place.plan(limits={"connections": 5})
    names = [power.lower() for power in POWERS]
    for name in names:
        place.tenant(name)
    await asyncio.gather(*(is_left_alone(place, name) for name in names))


async def is_left_alone(place: Place, name: str) -> None:
    await place.ready(name)
    role, power = place.identifier(name), name.upper()
    await place.database.run(f"ALTER ROLE {role} {power} CONNECTION LIMIT 77")
    message = await place.not_ready("DangerousRole", name)
    assert power in message
    assert reasons.DANGEROUS_ROLE.advice in message
    assert health.kstatus(place.seen(name) or {}) == "Failed"
    assert power in await place.event("DangerousRole", name)
    place.tenant(name, access="Suspended")
    await place.not_ready("DangerousRole", name)
    row = "SELECT rolconnlimit, rolcanlogin FROM pg_roles WHERE rolname = $1"
    assert await place.database.row(row, role) == {"rolconnlimit": 77, "rolcanlogin": True}

    await place.database.run(f"ALTER ROLE {role} NO{power}")
    place.tenant(name)
    await looked_at_again(place, name)
    assert await place.database.row(row, role) == {"rolconnlimit": 5, "rolcanlogin": True}


async def test_it_is_told_once(acme: Place) -> None:
    await acme.database.run(f"ALTER ROLE {acme.identifier()} CREATEDB")
    await acme.not_ready("DangerousRole")
    await acme.event("DangerousRole")
    await throughout(2.5, lambda: [reason for reason, _ in acme.events()] == ["TenantCreated", "DangerousRole"])
    await acme.database.run(f"ALTER ROLE {acme.identifier()} NOCREATEDB")


async def test_a_schema_that_a_stranger_made_is_left_alone(acme: Place) -> None:
    name = acme.identifier()
    await acme.database.run(f"DROP SCHEMA {name} CASCADE; CREATE SCHEMA {name}; CREATE TABLE {name}.theirs ()")
    message = await acme.not_ready("Replaced")
    assert message == f"The schema {name} was dropped and made again by somebody else. {reasons.REPLACED.advice}"
    assert health.kstatus(acme.seen() or {}) == "Failed"
    owner = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = $1"
    assert await acme.database.value(owner, name) == "postgres"

    await acme.database.run(f"ALTER SCHEMA {name} RENAME TO {name}_theirs")
    await looked_at_again(acme)
    assert await acme.database.value(owner, name) == "tenancy_definer"
    assert await acme.database.value("SELECT to_regclass($1) IS NOT NULL", f"{name}_theirs.theirs")


async def test_a_role_that_a_stranger_made_is_left_alone(acme: Place) -> None:
    name = acme.identifier()
    await acme.database.run(
        f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}; CREATE ROLE {name} LOGIN CONNECTION LIMIT 3"
    )
    message = await acme.not_ready("Replaced")
    assert message == f"The role {name} was dropped and made again by somebody else. {reasons.REPLACED.advice}"
    limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = $1"
    assert await acme.database.value(limit, name) == 3
    await acme.database.run(f"DROP ROLE {name}")
    await looked_at_again(acme)
    assert await acme.database.value(limit, name) == 5


async def test_what_a_stranger_made_outlives_the_tenant_and_is_named(acme: Place) -> None:
    name = acme.identifier()
    await acme.database.run(
        f"DROP SCHEMA {name} CASCADE; CREATE SCHEMA {name}",
        f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}; CREATE ROLE {name}",
    )
    await acme.not_ready("Replaced")
    acme.delete()
    await acme.gone()
    assert await acme.database.exists(name) == (True, True)
    told = await acme.event("LeftBehind")
    assert f"The schema {name} was replaced" in told
    assert f"The role {name} was replaced" in told
    await acme.database.run(f"DROP SCHEMA {name}; DROP ROLE {name}")


async def test_a_powerful_role_outlives_the_tenant_and_is_named(acme: Place) -> None:
    name = acme.identifier()
    await acme.database.run(f"ALTER ROLE {name} SUPERUSER")
    await acme.not_ready("DangerousRole")
    acme.delete()
    await acme.gone()
    assert await acme.database.exists(name) == (False, True)
    assert f"The role {name} has attributes that no tenant may have" in await acme.event("LeftBehind")
    await acme.database.run(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")
