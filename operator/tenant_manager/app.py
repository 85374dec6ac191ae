"""Wiring: the only place that builds things, and the order in which they start and stop."""

import asyncio
import gc
import os
import socket
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import structlog

from tenant_manager import __version__
from tenant_manager.api import reasons
from tenant_manager.core.stopped import Stopped
from tenant_manager.kube import client, objects, secrets
from tenant_manager.kube.client import API, Api, Refused, Unreachable
from tenant_manager.kube.objects import PLAN, TENANT
from tenant_manager.kube.secrets import Endpoint
from tenant_manager.postgres.databases import Database
from tenant_manager.reconcile.cache import Cache
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.queue import Lane, Queue
from tenant_manager.reconcile.supervise import TELL_AFTER, scan_for_ever, supervise
from tenant_manager.reconcile.work import drain, work
from tenant_manager.settings import LOOPBACK, Settings
from tenant_manager.telemetry.metrics import Metrics
from tenant_manager.telemetry.probes import Health, serve
from tenant_manager.watch import session_for, watch

LIST_AGAIN: Final = 2.0  # seconds
START_POLL: Final = 0.02  # seconds
POLICY_AGAIN: Final = 600.0  # seconds
POLICY_SOON: Final = 5.0
POLICY_WORDS: Final = {
    True: "the ValidatingAdmissionPolicy tenant-manager-secrets is in force",
    False: "the ValidatingAdmissionPolicy tenant-manager-secrets is not in force: whoever steals the operator's token "
    "can change any Secret; apply manifests/",
}
CONNECTIONS: Final = 48  # to the API server

log = structlog.get_logger("tenant_manager")


async def run(settings: Settings) -> None:
    """The operator, until SIGTERM or SIGINT."""
    found = await client.configuration(settings.kubeconfig, CONNECTIONS)
    api = client.connect(found)
    context = build(settings, api)
    stop = asyncio.Event()
    tasks = [asyncio.create_task(job) for job in jobs(context)]
    probes = await serve(settings.http_host, settings.http_port, lambda: health(context), lambda: metrics(context))

    async def shut_down() -> None:
        await _stop(context, tasks)
        await probes.cleanup()
        await context.database.close()
        stop.set()

    try:
        await list_all(context)
        async with session_for(found) as session:
            await watch(context, found, session, stop, shut_down)
    finally:
        await shut_down()
        await api.close()


def build(settings: Settings, api: Api) -> Context:
    """The operator's world."""
    url = settings.database_url.get_secret_value()
    measured = Metrics()
    waiting = Stopped(reasons.DATABASE_UNREACHABLE, "PostgreSQL was not reached yet.")
    return Context(
        settings=settings,
        api=api,
        database=Database("default", "", settings.database_connections, problem=waiting, measure=measured.called),
        endpoint=tenant_endpoint(settings, url),
        cache=Cache(),
        queue=Queue(settings.sweep_workers, clock=asyncio.get_running_loop().time),
        metrics=measured,
        now=lambda: datetime.now(UTC),
        random_bytes=os.urandom,
    )


def tenant_endpoint(settings: Settings, url: str) -> Endpoint:
    """Where applications reach the database: as the settings say, else where the operator does.

    On loopback `prefer` takes what the server offers.
    """
    parts = urlsplit(url)
    host = settings.tenant_host or parts.hostname or ""
    certificate = settings.tenant_ca_file
    mode = "verify-full" if certificate else "prefer" if host in LOOPBACK else "require"
    return Endpoint(
        host=host,
        port=settings.tenant_port or parts.port or 5432,
        dbname=unquote(parts.path.removeprefix("/")),
        sslmode=settings.tenant_sslmode or mode,
        ca=certificate.read_text() if certificate else None,
    )


def health(context: Context) -> Health:
    """What the probes tell."""
    database = context.database
    why_not = None
    if database.fenced:
        why_not = "another operator has the lead; this one writes nothing more"
    elif not context.cache.listed:
        why_not = "the Tenants and Plans were not listed yet"
    elif database.problem is not None:
        why_not = str(database.problem)
    state = "connected" if database.problem is None else "disconnected"
    return Health(state, len(context.cache.tenants()), __version__, why_not)


def metrics(context: Context) -> bytes:
    """All metrics, what is counted on demand included."""
    measured, queue = context.metrics, context.queue
    for lane in Lane:
        measured.depth.labels(lane.name.lower()).set(queue.depth(lane))
    measured.age.set(queue.age())
    measured.count_tenants(Counter(_states(context.cache)))
    return measured.text()


def _states(cache: Cache) -> Iterator[tuple[str, str]]:
    for thing in cache.tenants():
        flags = objects.flags(thing)
        state = (
            "ready" if flags.get("Ready") == "True" else "stalled" if flags.get("Stalled") == "True" else "reconciling"
        )
        yield str((thing.spec.get("planRef") or {}).get("name", "")), state


def jobs(context: Context) -> list[Coroutine[Any, Any, None]]:
    """All that runs beside kopf. To be started before it: kopf takes what is started later for hung."""
    url = context.settings.database_url.get_secret_value()
    holder = f"{socket.gethostname()}/{os.getpid()}"
    workers = [work(context) for _ in range(context.settings.workers)]
    return [_start(context), _check_policy(context), supervise(context, url, holder), scan_for_ever(context), *workers]


async def list_all(context: Context) -> None:
    """List Plans and Tenants once, into the same cache that the watches fill. Does not end before that is done."""
    told = ""
    while True:
        try:
            for kind, plural in ((PLAN, "plans"), (TENANT, "tenants")):
                for body in (await context.api.list(f"{API}/{plural}")).items:
                    context.cache.seen(kind, None, body)
            break
        except (Refused, Unreachable) as error:
            if str(error) != told:
                told = str(error)
                log.warning("cannot list Tenants and Plans yet; are the CRDs and the RBAC applied?", error=told)
            await asyncio.sleep(LIST_AGAIN)
    context.cache.listed = True
    for key in list(context.cache.objects):
        context.queue.add(key, Lane.SWEEP)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # 20 to 28 % CPU at 10,000 objects


async def _start(context: Context) -> None:
    """Let the workers start: after the lists, since only then is a missing Plan missing; and with a database, or
    after so long without one that the Tenants must be told."""
    deadline = context.queue.clock() + TELL_AFTER
    while not context.cache.listed or (  # noqa: ASYNC110  # two facts and a deadline, at start alone
        context.database.problem and context.queue.clock() < deadline
    ):
        await asyncio.sleep(START_POLL)
    context.may_work.set()


async def _check_policy(context: Context) -> None:
    """At start, and again for ever: the policy may come after the operator, and may go."""
    held: bool | None = None
    while True:
        with suppress(Refused, Unreachable):
            before, held = held, await secrets.policy_is_in_force(context.api, context.settings.operator_namespace)
            context.metrics.policy.set(held)
            if before is not held:
                (log.debug if held else log.warning)(POLICY_WORDS[held])
        await asyncio.sleep(POLICY_AGAIN if held else POLICY_SOON)


async def _stop(context: Context, tasks: list[asyncio.Task[None]]) -> None:
    """Let passes at hand come to an end; a transaction that does not is rolled back by the server."""
    await drain(context)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
