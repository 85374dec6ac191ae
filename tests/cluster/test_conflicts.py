"""Two that want the same: the first keeps it, the other learns what to do, and gets it when it is free."""

import asyncio
import time
from uuid import uuid4

import pytest

from tenant_manager.api import reasons
from tests.cluster import api, health
from tests.cluster.place import Place, decoded
from tests.cluster.waiting import until

A_SECOND = 1.0
REGISTERED = "SELECT count(*) FROM tenancy.registry WHERE identifier = $1"


@pytest.fixture
async def holder(place: Place) -> Place:
    """With the Ready Tenant `acme`."""
    place.plan()
    place.tenant(deletionPolicy="Delete")
    await place.ready()
    return place


def claim(claimant: Place, holder: Place, name: str = "acme") -> None:
    """The same identifier, and the same Plan."""
    claimant.tenant(name, identifier=holder.identifier(), planRef={"name": holder.plan_name()}, deletionPolicy="Delete")


async def freed_for(claimant: Place, holder: Place, name: str = "acme") -> None:
    """The claimant gets it within a second of the holder's end."""
    holder.delete()
    await holder.gone()
    started = time.monotonic()
    await claimant.until(name, lambda seen: health.is_true(seen, "Ready"))
    assert time.monotonic() - started < A_SECOND
    await claimant.ready(name)


async def test_in_one_namespace_the_holder_is_named(holder: Place) -> None:
    claim(holder, holder, "second")
    message = await holder.not_ready("IdentifierTaken", "second")
    assert message == (
        f"The identifier {holder.identifier()} belongs to Tenant acme of this namespace. Set another "
        "`spec.identifier`, or delete that Tenant with deletionPolicy Delete."
    )
    assert health.kstatus(holder.seen("second") or {}) == "Failed"
    assert await holder.event("IdentifierTaken", "second") == message
    assert holder.api.find(api.secrets(holder.namespace, "second-connection")) is None
    await holder.ready()
    await freed_for(holder, holder, "second")


async def test_in_another_namespace_it_is_not(holder: Place) -> None:
    other = holder.elsewhere()
    claim(other, holder)
    message = await other.not_ready("IdentifierTaken")
    assert "belongs to another Tenant" in message
    assert holder.namespace not in message
    await freed_for(other, holder)
    other.leave()


async def test_a_tenant_that_never_had_it_can_go_and_leaves_it(holder: Place) -> None:
    claim(holder, holder, "second")
    await holder.not_ready("IdentifierTaken", "second")
    holder.delete("second")
    await holder.gone("second")
    await holder.ready()
    assert [reason for reason, _ in holder.events()] == ["TenantCreated"]


async def test_the_other_may_choose_another_identifier(holder: Place) -> None:
    claim(holder, holder, "second")
    await holder.not_ready("IdentifierTaken", "second")
    holder.tenant("second")
    await holder.ready("second")


@pytest.mark.parametrize("attempt", range(3))
async def test_of_two_at_once_one_gets_it(place: Place, attempt: int) -> None:
    place.plan()
    other = place.elsewhere()
    claim(place, place)
    claim(other, place)
    both = (place, other)

    def one_of_each() -> bool:
        reasons = [health.reason(at.seen() or {})[1] for at in both]
        return sorted(map(str, reasons)) == ["IdentifierTaken", "Ready"]

    await until(one_of_each, told=lambda: [health.reason(at.seen() or {}) for at in both])
    winner, loser = sorted(both, key=lambda at: health.reason(at.seen() or {})[1] != "Ready")
    await winner.ready()
    assert await place.database.value(REGISTERED, place.identifier()) == 1
    await freed_for(loser, winner)
    other.leave()


async def test_what_was_retained_stays_with_its_owner(holder: Place) -> None:
    holder.tenant(deletionPolicy="Retain")
    await holder.ready()
    other = holder.elsewhere()
    claim(other, holder)
    await other.not_ready("IdentifierTaken")
    holder.delete()
    await holder.gone()
    message = await other.not_ready("RetainedDataExists")
    name = holder.identifier()
    assert f"Data of a former tenant {name} was retained" in message
    assert f"tenant-manager release {name} --to {other.namespace}/acme" in message
    assert holder.namespace not in message

    await holder.database.value("SELECT tenancy.release($1, $2, 'acme')", name, other.namespace)
    await other.ready()
    await other.event("TenantRestored")
    other.leave()


async def test_what_was_retained_and_then_purged_is_free(holder: Place) -> None:
    holder.tenant(deletionPolicy="Retain")
    await holder.ready()
    holder.delete()
    await holder.gone()
    claim(holder, holder, "second")
    await holder.not_ready("RetainedDataExists", "second")
    await holder.database.value("SELECT tenancy.purge($1)", holder.identifier())
    await holder.ready("second")


async def test_a_namespace_made_again_is_not_the_same_owner(place: Place) -> None:
    place.plan()
    place.tenant()
    await place.ready()
    place.leave()
    path = f"/api/v1/namespaces/{place.namespace}"
    await until(lambda: place.api.find(path) is None, seconds=30)
    place.api.send("POST", "/api/v1/namespaces", {"metadata": {"name": place.namespace}})
    place.tenant()
    await place.not_ready("RetainedDataExists")


@pytest.mark.parametrize("what", ["SCHEMA", "ROLE"])
async def test_what_nobody_registered_is_not_taken_over(place: Place, what: str) -> None:
    place.plan()
    await place.database.run(f"CREATE {what} {place.identifier()}")
    place.tenant()
    message = await place.not_ready("NotOwned")
    assert place.identifier() in message
    assert what.lower() in message
    assert (
        await place.database.value("SELECT count(*) FROM tenancy.registry WHERE identifier = $1", place.identifier())
        == 0
    )
    assert await place.database.exists(place.identifier()) == (what == "SCHEMA", what == "ROLE")
    await place.database.run(f"DROP {what} {place.identifier()}")
    place.annotate("acme", reconcile_requested_at="now")
    await place.ready()


async def test_a_secret_of_somebody_else_is_not_taken_over(place: Place) -> None:
    foreign = {"metadata": {"name": "acme-connection"}, "type": "Opaque", "stringData": {"password": "theirs"}}
    place.api.send("POST", api.secrets(place.namespace), foreign)
    before = place.stored_secret()
    place.plan()
    place.tenant()
    message = await place.not_ready("SecretNotOwned")
    assert "Secret acme-connection exists and is not ours" in message
    assert "Set another `spec.connectionSecret.name`" in message
    assert await place.database.exists(place.identifier()) == (False, False)
    assert place.stored_secret() == before
    place.tenant(connectionSecret={"name": "mine"})
    await place.ready()
    assert place.stored_secret() == before


async def test_a_secret_of_another_tenant_is_not_taken_over(holder: Place) -> None:
    before = holder.stored_secret()
    holder.tenant("second", connectionSecret={"name": "acme-connection"})
    await holder.not_ready("SecretNotOwned", "second")
    assert holder.stored_secret() == before
    await holder.ready()


async def test_a_secret_that_somebody_put_in_the_place_of_ours(holder: Place) -> None:
    path = api.secrets(holder.namespace, "acme-connection")
    holder.api.send("DELETE", path)
    foreign = {"metadata": {"name": "acme-connection"}, "type": "Opaque", "stringData": {"password": "theirs"}}
    holder.api.send("POST", api.secrets(holder.namespace), foreign)
    await holder.not_ready("SecretNotOwned")
    assert decoded(holder.api.get(path)) == {"password": "theirs"}
    holder.tenant(deletionPolicy="Delete", access="Suspended")  # what can be done is done
    login = "SELECT NOT rolcanlogin FROM pg_roles WHERE rolname = $1"
    await until(lambda: holder.database.value(login, holder.identifier()))
    holder.tenant(deletionPolicy="Delete", connectionSecret={"name": "another"})
    await holder.ready()


async def test_a_domain_belongs_to_the_first(holder: Place) -> None:
    domain = f"{uuid4().hex[:6]}.example.com"
    holder.tenant(domain=domain, deletionPolicy="Delete")
    await holder.ready()
    holder.tenant("second", domain=domain)
    message = await holder.not_ready("DomainTaken", "second")
    assert message == f"Another tenant has the domain '{domain}'. {reasons.DOMAIN_TAKEN.advice}"
    row = await holder.database.row("SELECT domain FROM tenancy.tenants WHERE id = $1", holder.identifier())
    assert row == {"domain": domain}
    await freed_for(holder, holder, "second")


async def test_a_domain_is_free_when_the_first_gives_it_up(holder: Place) -> None:
    domain = f"{uuid4().hex[:6]}.example.com"
    holder.tenant(domain=domain)
    holder.tenant("second")
    await asyncio.gather(holder.ready(), holder.ready("second"))
    holder.tenant("second", domain=domain, displayName="Second")
    message = await holder.not_ready("DomainTaken", "second")
    assert message == f"The domain {domain} belongs to another Tenant, which keeps it. Set another `spec.domain`."
    name = "SELECT name FROM tenancy.tenants WHERE id = $1"
    assert await holder.database.value(name, holder.identifier("second")) == "Second"  # the rest took effect
    holder.tenant()
    started = time.monotonic()
    await holder.until("second", lambda seen: health.is_true(seen, "Ready"))
    assert time.monotonic() - started < A_SECOND
    await holder.ready("second")


async def test_of_two_that_want_a_domain_at_once_one_gets_it(place: Place) -> None:
    domain = f"{uuid4().hex[:6]}.example.com"
    place.plan()
    names = ("one", "two")
    for name in names:
        place.tenant(name, domain=domain)
    await until(lambda: sorted(str(health.reason(place.seen(n) or {})[1]) for n in names) == ["DomainTaken", "Ready"])
