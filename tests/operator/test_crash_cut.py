"""The crash cut: each kind of work is cut off at every kernel call and every write in turn, and started again.

Afterwards all is as if nothing had happened: converged, no orphan role, schema or Secret, the Secret logs in, and
nothing was dropped that should stay.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from tests.operator.conftest import World
from tests.operator.session import run_to_the_end

MOST_STROKES = 60

PLAN = {
    "apiVersion": "tenancy.neostack.io/v1",
    "kind": "Plan",
    "metadata": {"name": "cut"},
    "spec": {"limits": {"connections": 7}, "session": {"statementTimeoutSeconds": 9}},
}


@dataclass(frozen=True)
class Stage:
    """One Tenant of one cut, as its user sees it."""

    world: World
    name: str

    def apply(self, **spec: Any) -> None:
        body = {
            "apiVersion": "tenancy.neostack.io/v1",
            "kind": "Tenant",
            "metadata": {"name": self.name, "namespace": "cut"},
            "spec": {"identifier": self.identifier, "planRef": {"name": "cut"}, **spec},
        }
        self.world.cluster.kubectl("apply", "-f", "-", text=json.dumps(body))

    @property
    def identifier(self) -> str:
        return self.name.replace("-", "_")

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        found = self.world.cluster.kubectl("get", kind, name, "-n", "cut", "-o", "json", "--ignore-not-found")
        return json.loads(found) if found.strip() else None

    def delete(self) -> None:
        self.world.cluster.kubectl("delete", "tenant", self.name, "-n", "cut", "--wait=false")

    @property
    def tenant(self) -> dict[str, Any]:
        found = self.get("tenant", self.name)
        assert found is not None
        return found

    @property
    def ready(self) -> tuple[str, str]:
        found = next(item for item in self.tenant["status"]["conditions"] if item["type"] == "Ready")
        return found["status"], found["reason"]

    def secret(self) -> dict[str, str]:
        found = self.get("secret", f"{self.name}-connection")
        assert found is not None
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    async def ask(self, query: str, url: str | None = None) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url or self.world.superuser_url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def log_in(self, query: str = "SELECT current_user::text") -> list[tuple[Any, ...]]:
        return await self.ask(query, self.secret()["uri"])

    async def refused(self) -> None:
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="not permitted to log in"):
            await self.log_in()

    async def nothing_is_orphaned(self) -> None:
        """Every role and schema of ours is registered, and the other way round."""
        roles = {
            name
            for (name,) in await self.ask(
                "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE 'tenant-manager %'"
            )
        }
        schemas = {
            name
            for (name,) in await self.ask(
                "SELECT nspname FROM pg_namespace WHERE obj_description(oid, 'pg_namespace') LIKE 'tenant-manager %'"
            )
        }
        registered = {name for (name,) in await self.ask("SELECT identifier FROM tenancy.registry")}
        assert roles == schemas == registered


Step = Callable[[Stage], Awaitable[None]]


async def nothing(stage: Stage) -> None:
    """No preparation."""


async def ready_with_data(stage: Stage) -> None:
    stage.apply()
    await run_to_the_end(stage.world.settings)
    await stage.log_in("CREATE TABLE kept AS SELECT 42 AS x")


async def ready_to_drop(stage: Stage) -> None:
    stage.apply(deletionPolicy="Delete")
    await run_to_the_end(stage.world.settings)
    await stage.log_in("CREATE TABLE lost AS SELECT 42 AS x")


async def suspended(stage: Stage) -> None:
    await ready_with_data(stage)
    stage.apply(access="Suspended")
    await run_to_the_end(stage.world.settings)


async def retained(stage: Stage) -> None:
    await ready_with_data(stage)
    stage.delete()
    await run_to_the_end(stage.world.settings)


async def create(stage: Stage) -> None:
    stage.apply()


async def change(stage: Stage) -> None:
    stage.apply(displayName="Changed", limits={"connections": 2}, settings={"theme": "dark"})


async def suspend(stage: Stage) -> None:
    stage.apply(access="Suspended")


async def delete(stage: Stage) -> None:
    stage.delete()


async def is_ready(stage: Stage) -> None:
    assert stage.ready == ("True", "Ready")
    assert await stage.log_in() == [(stage.identifier,)]
    assert stage.tenant["status"]["observedGeneration"] == stage.tenant["metadata"]["generation"]


async def is_changed(stage: Stage) -> None:
    await has_its_data(stage)
    assert await stage.ask(f"SELECT name FROM tenancy.tenants WHERE id = '{stage.identifier}'") == [("Changed",)]
    assert await stage.ask(f"SELECT rolconnlimit FROM pg_roles WHERE rolname = '{stage.identifier}'") == [(2,)]


async def is_suspended(stage: Stage) -> None:
    assert stage.ready == ("True", "Suspended")
    await stage.refused()


async def has_its_data(stage: Stage) -> None:
    await is_ready(stage)
    assert await stage.log_in("SELECT x FROM kept") == [(42,)]


async def is_retained(stage: Stage) -> None:
    assert stage.get("tenant", stage.name) is None
    await stage.refused()  # the Secret stays
    assert await stage.ask(f"SELECT x FROM {stage.identifier}.kept") == [(42,)]
    assert await stage.ask(f"SELECT state FROM tenancy.registry WHERE identifier = '{stage.identifier}'") == [
        ("retained",)
    ]


async def is_dropped(stage: Stage) -> None:
    assert stage.get("tenant", stage.name) is None
    assert await stage.ask(f"SELECT rolname FROM pg_roles WHERE rolname = '{stage.identifier}'") == []
    assert await stage.ask(f"SELECT nspname FROM pg_namespace WHERE nspname = '{stage.identifier}'") == []
    assert await stage.ask(f"SELECT id FROM tenancy.tenants WHERE id = '{stage.identifier}'") == []


@pytest.fixture(scope="module", autouse=True)
def plan(world: World) -> None:
    world.cluster.kubectl("apply", "-f", "-", text=json.dumps(PLAN))
    world.cluster.kubectl("create", "namespace", "cut")


@pytest.mark.parametrize(
    ("before", "work", "after"),
    [
        pytest.param(nothing, create, is_ready, id="create"),
        pytest.param(ready_with_data, change, is_changed, id="change"),
        pytest.param(ready_with_data, suspend, is_suspended, id="suspend"),
        pytest.param(suspended, create, has_its_data, id="resume"),
        pytest.param(ready_with_data, delete, is_retained, id="retain"),
        pytest.param(ready_to_drop, delete, is_dropped, id="drop"),
        pytest.param(retained, create, has_its_data, id="give-back"),
    ],
)
async def test_a_crash_at_any_point_loses_nothing(
    world: World, request: pytest.FixtureRequest, before: Step, work: Step, after: Step
) -> None:
    for at in range(1, MOST_STROKES):
        stage = Stage(world, f"{request.node.callspec.id}-{at}")
        await before(stage)
        await work(stage)
        cut = await run_to_the_end(world.settings, at)
        if cut.fallen.is_set():
            await run_to_the_end(world.settings)
        await after(stage)
        await stage.nothing_is_orphaned()
        if not cut.fallen.is_set():
            assert at > 2, "nothing was cut"
            return
    pytest.fail(f"more than {MOST_STROKES} strokes")
