"""The load: apply Tenants by concurrent POSTs, and see by a watch when each is Ready."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from benchmarks.admin import Admin, Json, each
from benchmarks.place import PLAN
from tenant_manager.kube.client import API, MERGE_PATCH

AT_ONCE = 16  # POSTs
TOO_LONG = 60.0  # seconds without a Tenant that becomes Ready


@dataclass(frozen=True, slots=True)
class Arrival:
    """Seconds: until all were Ready and until all were applied, from the first POST; from apply to Ready of each."""

    total: float
    applied: float
    waits: tuple[float, ...]


def tenant(namespace: str, number: int) -> Json:
    """One Tenant as a customer would have it. Identifier and domain are unique over all namespaces."""
    name = f"customer-{number:05}"
    return {
        "apiVersion": API.removeprefix("/apis/"),
        "kind": "Tenant",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "identifier": f"{namespace}_{number:05}",
            "displayName": f"Customer {number}",
            "domain": f"{name}.{namespace}.example.com",
            "planRef": {"name": PLAN},
            "settings": {"theme": "dark", "locale": "de-DE"},
        },
    }


async def create(admin: Admin, namespace: str, count: int) -> Arrival:
    """Apply `count` Tenants in a namespace that exists, and wait until all are Ready."""
    path = f"{API}/namespaces/{namespace}/tenants"
    sent: dict[str, float] = {}
    answered: list[float] = []

    async def apply(number: int) -> None:
        body = tenant(namespace, number)
        sent[body["metadata"]["name"]] = time.perf_counter()
        await admin.send("POST", path, body)
        answered.append(time.perf_counter())

    version = await admin.version(path)
    async with asyncio.TaskGroup() as group:
        seen = group.create_task(_ready(admin.watch(path, version), count))
        started = time.perf_counter()
        await each(range(count), apply, AT_ONCE)
        ready = await seen
    waits = sorted(ready[name] - sent[name] for name in sent)
    return Arrival(max(ready.values()) - started, max(answered) - started, tuple(waits))


async def _ready(events: AsyncIterator[Json], count: int) -> dict[str, float]:
    """When each of `count` Tenants was seen to be Ready first."""
    ready: dict[str, float] = {}
    while len(ready) < count:
        async with asyncio.timeout(TOO_LONG):
            event = await anext(events)
        name = event["object"]["metadata"]["name"]
        if name not in ready and _is_ready(event["object"].get("status", {})):
            ready[name] = time.perf_counter()
    return ready


def _is_ready(status: Mapping[str, Any]) -> bool:
    return any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions", ()))


async def clear(admin: Admin, superuser_url: str, namespace: str) -> None:
    """Away with the namespace and all that its Tenants have; neither floor nor operator may run."""
    path = f"{API}/namespaces/{namespace}/tenants"
    names = [one["metadata"]["name"] for one in (await admin.send("GET", path))["items"]]

    async def let_go(name: str) -> None:
        await admin.send("PATCH", f"{path}/{name}", {"metadata": {"finalizers": None}}, MERGE_PATCH)

    await each(names, let_go, AT_ONCE)
    await admin.send("DELETE", f"/api/v1/namespaces/{namespace}")
    await _drop(superuser_url, namespace)
    while any(one["metadata"]["name"] == namespace for one in (await admin.send("GET", "/api/v1/namespaces"))["items"]):
        await asyncio.sleep(0.2)


async def _drop(superuser_url: str, namespace: str) -> None:
    """One transaction a tenant, as the operator would; then no dead rows are left to the next round."""
    pool = await asyncpg.create_pool(superuser_url, min_size=1, max_size=4)
    epoch = await pool.fetchval("SELECT epoch FROM tenancy.leader")
    rows = await pool.fetch("SELECT identifier FROM tenancy.registry WHERE namespace = $1", namespace)

    async def drop(identifier: str) -> None:
        await pool.fetch("SELECT tenancy.drop_tenant($1, $2)", epoch, identifier)

    await each([row[0] for row in rows], drop, 4)
    await pool.execute("VACUUM ANALYZE")
    await pool.close()
