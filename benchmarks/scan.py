"""The operator's scan for drift, run here: how long it takes over all Tenants, and by how many statements."""

import asyncio
import statistics
import time
from dataclasses import dataclass

from benchmarks import counts
from benchmarks.place import CLUSTER, Place
from tenant_manager import app
from tenant_manager.kube import client
from tenant_manager.kube.client import API
from tenant_manager.kube.objects import PLAN, TENANT
from tenant_manager.postgres import lead
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.scan import scan
from tenant_manager.settings import Settings

TIMES = 5


class Drift(Exception):
    """The scan found something to do, where nothing is."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """One scan: median seconds, Tenants compared, statements."""

    seconds: float
    tenants: int
    statements: dict[str, int]


async def measure(place: Place) -> Scanned:
    """Scan what is there; no operator may run.

    Raises:
        Drift: the Tenants are not as they should be.
    """
    settings = Settings.model_validate({"database_url": place.url, "cluster_name": CLUSTER})
    api = client.connect(await client.configuration(place.kubeconfig, app.CONNECTIONS))
    context = app.build(settings, api)
    context.database.url = place.url
    try:
        await lead.take_office(context.database, "benchmark")
        context.database.problem = None
        for kind, plural in ((PLAN, "plans"), (TENANT, "tenants")):
            bodies, _ = await api.list(f"{API}/{plural}")
            for body in bodies:
                context.cache.seen(kind, None, body)
        seconds = [await _timed(context) for _ in range(TIMES)]
        with counts.every_statement(place) as log:
            await scan(context)
            await asyncio.sleep(0.2)
            ran = counts.statements(log.text())
        return Scanned(statistics.median(seconds), len(context.cache.tenants()), ran)
    finally:
        await context.database.close()
        await api.close()


async def _timed(context: Context) -> float:
    started = time.perf_counter()
    await scan(context)
    if context.queue.running or any(map(context.queue.is_busy, context.cache.objects)):
        raise Drift("the scan queued Tenants that nobody has changed")
    return time.perf_counter() - started
