"""One round: start the operator or the floor, apply Tenants, wait until all are Ready, and see what it cost."""

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psutil

from benchmarks import load
from benchmarks.admin import Admin, Json
from benchmarks.contenders import Contender
from benchmarks.cpu import quiet, sample
from benchmarks.load import Arrival
from benchmarks.place import Place
from tenant_manager.kube.client import API

SETTLE = 1.0  # seconds before a round, for start-up work to come to an end
PATIENCE = 20.0  # seconds before a round, for others on this machine to come to rest
TAIL = 1.0  # seconds after a round, for what goes on behind Ready: Events, the Plan's numbers


class Different(Exception):
    """Floor and operator do not write the same, so their times cannot be compared."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round took. CPU in seconds."""

    arrival: Arrival
    cpu: Mapping[str, float]  # by part
    strangers: float  # share of the machine that others used meanwhile
    rss: int  # bytes, afterwards

    @property
    def all_cpu(self) -> float:
        """Of all parts."""
        return sum(self.cpu.values())


async def begin(admin: Admin, who: Contender, namespace: str) -> None:
    """A new namespace, and `who` runs and has come to rest."""
    await admin.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    who.start()
    await asyncio.sleep(SETTLE)
    await quiet(PATIENCE)


async def play(place: Place, admin: Admin, who: Contender, namespace: str, count: int) -> Round:
    """The round itself. `who` runs afterwards."""
    pid = who.pid or 0
    before, started = sample(place, pid), time.perf_counter()
    arrival = await load.create(admin, namespace, count)
    await asyncio.sleep(TAIL)
    used, seconds = sample(place, pid).since(before), time.perf_counter() - started
    share = used.strangers / (seconds * (psutil.cpu_count() or 1))
    return Round(arrival, used.parts, share, psutil.Process(pid).memory_info().rss)


async def finish(place: Place, admin: Admin, who: Contender, namespace: str) -> list[str]:
    """End the round and remove all that it made; what its users could read, in a comparable form."""
    who.stop()
    texts = await told(admin, namespace)
    await load.clear(admin, place.superuser_url, namespace)
    return texts


async def told(admin: Admin, namespace: str) -> list[str]:
    """Statuses, Secrets and Events of a namespace, without what differs each time."""
    core = f"/api/v1/namespaces/{namespace}"
    paths = (f"{API}/namespaces/{namespace}/tenants", f"{core}/secrets", f"{core}/events")
    found = [one for path in paths for one in (await admin.send("GET", path))["items"]]
    return sorted(json.dumps(_comparable(one), sort_keys=True).replace(namespace, "NAMESPACE") for one in found)


def _comparable(body: Json) -> dict[str, Any]:
    """What of an object has to be the same in each round."""
    meta, status = body["metadata"], body.get("status", {})
    for condition in status.get("conditions", ()):
        condition["lastTransitionTime"] = len(condition["lastTransitionTime"])
    data = {key: base64.b64decode(text).decode() for key, text in body.get("data", {}).items()}
    password = data.get("password", "PASSWORD")
    kept = {key: body.get(key) for key in ("type", "reason", "message", "reportingComponent", "count")}
    names = {key: meta.get(key) for key in ("finalizers", "labels", "annotations", "ownerReferences")}
    plain = {key: text.replace(password, "PASSWORD") for key, text in data.items()}
    return {**kept, **names, "status": status, "data": plain}


def compare(floor: list[str], operator: list[str]) -> None:
    """The two must have written the same.

    Raises:
        Different: naming the first that differs.
    """
    if floor == operator:
        return
    first = next((pair for pair in zip(floor, operator, strict=False) if pair[0] != pair[1]), ("", ""))
    raise Different(f"{len(floor)} and {len(operator)} objects.\nfloor:    {first[0]}\noperator: {first[1]}")
