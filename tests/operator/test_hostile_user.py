"""What a careless or hostile user of a namespace does between two passes, and what is told of it."""

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tenant_manager.kube.objects import TENANT, Key
from tenant_manager.postgres.tenant import observe
from tenant_manager.reconcile import scan
from tenant_manager.reconcile.work import PLAN_AGAIN
from tests.operator.conftest import World
from tests.operator.session import Knife, run_to_the_end, session, until_quiet_or_cut

SPACE = "hostile"


class User:
    """Somebody who may edit Tenants and Secrets of one namespace, and Plans for the tests' sake."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.name = f"t-{uuid4().hex[:8]}"
        self.identifier = self.name.replace("-", "_")
        self.secret = f"{self.name}-connection"

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return self.world.cluster.kubectl(*arguments, "-n", SPACE, text=text)

    def apply(self, plan: str = SPACE, **spec: Any) -> None:
        spec = {"identifier": self.identifier, "planRef": {"name": plan}, **spec}
        self._apply("Tenant", {"name": self.name, "namespace": SPACE}, spec)

    def apply_plan(self, name: str, **spec: Any) -> None:
        self._apply("Plan", {"name": name}, spec)

    def _apply(self, kind: str, metadata: dict[str, str], spec: dict[str, Any]) -> None:
        body = {"apiVersion": "tenancy.neostack.io/v1", "kind": kind, "metadata": metadata, "spec": spec}
        self.kubectl("apply", "-f", "-", text=json.dumps(body))

    def get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        return found

    def is_there(self, kind: str, name: str) -> bool:
        return bool(self.kubectl("get", kind, name, "--ignore-not-found").strip())

    def condition(self, kind: str, name: str, condition: str) -> tuple[str, str]:
        conditions = self.get(kind, name)["status"]["conditions"]
        return next((item["status"], item["reason"]) for item in conditions if item["type"] == condition)

    @property
    def ready(self) -> tuple[str, str]:
        return self.condition("tenant", self.name, "Ready")

    @property
    def events(self) -> list[str]:
        found = json.loads(
            self.kubectl("get", "events", "-o", "json", f"--field-selector=involvedObject.name={self.name}")
        )
        return sorted(item["reason"] for item in found["items"])

    def uri(self) -> str:
        return base64.b64decode(self.get("secret", self.secret)["data"]["uri"]).decode()


@pytest.fixture(scope="module", autouse=True)
def space(world: World) -> Iterator[None]:
    world.cluster.kubectl("create", "namespace", SPACE)
    yield
    world.cluster.kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.fixture
def user(world: World) -> User:
    found = User(world)
    found.apply_plan(SPACE, limits={"connections": 9})
    return found


async def logs_in(uri: str) -> bool:
    try:
        connection = await asyncpg.connect(uri)
    except asyncpg.InvalidPasswordError:
        return False
    await connection.close()
    return True


async def test_what_was_edited_during_a_pause_is_no_drift(user: User) -> None:
    user.apply()
    await run_to_the_end(user.world.settings)
    user.kubectl("annotate", "tenant", user.name, "tenancy.neostack.io/paused=true")
    user.apply(displayName="Edited")
    await run_to_the_end(user.world.settings)
    user.kubectl("annotate", "tenant", user.name, "tenancy.neostack.io/paused-")
    await run_to_the_end(user.world.settings)
    assert user.ready == ("True", "Ready")
    assert user.events == ["TenantChanged", "TenantCreated"]


async def test_a_plan_made_again_is_a_change_and_no_drift(user: User) -> None:
    user.apply_plan("again", limits={"connections": 5})
    user.apply("again")
    await run_to_the_end(user.world.settings)
    user.kubectl("delete", "plan", "again")
    user.apply_plan("again", limits={"connections": 6})
    await run_to_the_end(user.world.settings)
    assert user.get("tenant", user.name)["status"]["limits"]["connections"] == 6
    assert user.events == ["TenantChanged", "TenantCreated"]


async def test_a_plan_made_again_is_not_rolled_out_before_its_tenants_have_it(user: User) -> None:
    user.apply_plan("slowly", limits={"connections": 5})
    user.apply("slowly")
    for _ in range(2):  # a Plan counts its Tenants a moment after they are done
        await run_to_the_end(user.world.settings)
    assert user.condition("plan", "slowly", "RolledOut") == ("True", "RolledOut")
    user.kubectl("annotate", "tenant", user.name, "tenancy.neostack.io/paused=true")  # so that it does not follow
    user.kubectl("delete", "plan", "slowly")
    user.apply_plan("slowly", limits={"connections": 6})
    await run_to_the_end(user.world.settings)
    assert user.condition("plan", "slowly", "RolledOut") == ("False", "RollingOut")


async def test_a_secret_that_cannot_be_written_costs_nobody_the_password(user: User) -> None:
    user.apply()
    await run_to_the_end(user.world.settings)
    uri = user.uri()
    wrong = base64.b64encode(b"x" * 32).decode()
    user.kubectl("patch", "secret", user.secret, "-p", json.dumps({"immutable": True, "data": {"password": wrong}}))
    for _ in range(2):
        await run_to_the_end(user.world.settings)
        assert user.ready == ("False", "SecretRefused")
        assert await logs_in(uri)
    assert user.events == ["SecretRefused", "TenantCreated"]
    user.kubectl("delete", "secret", user.secret)
    await run_to_the_end(user.world.settings)
    assert user.ready == ("True", "Ready")
    assert await logs_in(user.uri())
    assert user.events == ["PasswordReplaced", "SecretRefused", "TenantCreated"]


async def test_the_secret_goes_with_a_tenant_whose_policy_became_delete_at_the_last_moment(user: User) -> None:
    user.apply()
    await run_to_the_end(user.world.settings)
    user.apply(deletionPolicy="Delete")
    user.kubectl("delete", "tenant", user.name, "--wait=false")
    await run_to_the_end(user.world.settings)
    user.kubectl("wait", "--for=delete", f"secret/{user.secret}", "--timeout=30s")


async def test_what_is_gone_is_forgotten_without_a_watch(user: User) -> None:
    user.apply()
    knife, key = Knife(), Key(TENANT, user.name, SPACE)
    async with session(user.world.settings, knife) as context:
        await until_quiet_or_cut(context, knife)
        user.kubectl("delete", "tenant", user.name, "--wait=false")
        context.cache.seen(TENANT, "MODIFIED", user.get("tenant", user.name))
        context.queue.add(key)
        await until_quiet_or_cut(context, knife)
        assert not user.is_there("tenant", user.name)
        assert key not in context.cache.objects
        assert user.name not in {thing.key.name for thing in context.cache.tenants_of(SPACE)}
        assert SPACE not in context.namespaces
        await asyncio.sleep(PLAN_AGAIN + 0.1)
        await until_quiet_or_cut(context, knife)
        total = len(context.cache.tenants_of(SPACE))
    assert user.get("plan", SPACE)["status"]["tenants"]["total"] == total


async def test_a_deletion_that_ends_during_a_scan_does_not_stop_it(user: User) -> None:
    user.apply()
    knife = Knife()
    async with session(user.world.settings, knife) as context:
        await until_quiet_or_cut(context, knife)
        held = await observe(context.database)
        assert user.identifier in held
        user.kubectl("delete", "tenant", user.name, "--wait=false")
        last = user.get("tenant", user.name)
        context.cache.seen(TENANT, "MODIFIED", last)
        context.queue.add(Key(TENANT, user.name, SPACE))
        await until_quiet_or_cut(context, knife)
        context.cache.seen(TENANT, "DELETED", last)
        await scan._mark_abandoned(context, held)
        assert (await observe(context.database, [user.identifier]))[user.identifier].registration.state == "retained"


async def test_what_an_identifier_edited_too_early_left_behind_is_shown(user: User) -> None:
    user.apply()
    await run_to_the_end(user.world.settings)
    user.kubectl("delete", "secret", user.secret)  # as if the pass had ended between the transaction and the Secret
    gone = json.dumps([{"op": "remove", "path": "/status/identifier"}])
    user.kubectl("patch", "tenant", user.name, "--subresource=status", "--type=json", "-p", gone)
    user.apply(identifier=f"{user.identifier}_b")
    knife = Knife()
    async with session(user.world.settings, knife) as context:
        await until_quiet_or_cut(context, knife)
        await scan.scan(context)
        held = await observe(context.database)
    assert user.ready == ("True", "Ready")
    assert held[user.identifier].registration.abandoned
    assert not held[f"{user.identifier}_b"].registration.abandoned


async def test_a_password_that_the_tenant_changed_is_set_back_once(user: User) -> None:
    user.apply()
    await run_to_the_end(user.world.settings)
    knife, key = Knife(), Key(TENANT, user.name, SPACE)
    async with session(user.world.settings, knife) as context:
        await until_quiet_or_cut(context, knife)
        connection = await asyncpg.connect(user.uri())
        await connection.execute("ALTER ROLE CURRENT_USER PASSWORD 'my own'")
        await connection.close()
        await scan.scan(context)
        await until_quiet_or_cut(context, knife)
        for edit in ("one", "two"):
            user.apply(displayName=edit)
            context.cache.seen(TENANT, "MODIFIED", user.get("tenant", user.name))
            context.queue.add(key)
            await until_quiet_or_cut(context, knife)
    assert await logs_in(user.uri())
    assert user.events == ["PasswordReplaced", "TenantChanged", "TenantChanged", "TenantCreated"]


async def test_a_tenant_that_locks_roles_does_not_hold_up_the_scans(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    victims = [User(user.world), User(user.world)]
    for one in (user, *victims):
        one.apply(deletionPolicy="Delete")
    await run_to_the_end(user.world.settings)
    connection = await asyncpg.connect(user.uri())
    await connection.execute("CREATE TABLE bait (x int)")
    names = ", ".join(victim.identifier for victim in victims)
    await connection.execute(f"BEGIN; GRANT SELECT ON bait TO {names}")  # which locks their roles
    for victim in victims:
        victim.kubectl("delete", "tenant", victim.name, "--wait=false")
    monkeypatch.setattr(scan, "LEFTOVERS_WITHIN", 0.0)
    knife, query = Knife(), "SELECT tries FROM tenancy.leftovers ORDER BY tries"
    settings = user.world.settings.model_copy(update={"scan_seconds": 600.0})
    async with session(settings, knife) as context:
        await until_quiet_or_cut(context, knife)
        assert context.database.pool is not None
        before = await context.database.pool.fetch(query)
        assert await scan._drop_leftovers(context) == len(victims)
        after = await context.database.pool.fetch(query)
        assert sum(row["tries"] for row in after) == sum(row["tries"] for row in before) + 1
        await connection.close()
        for _ in victims:
            await scan._drop_leftovers(context)
        assert await context.database.pool.fetch(query) == []
