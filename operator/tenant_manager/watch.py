"""kopf: login, list, watch, reconnect. It only watches here: it stores nothing, posts nothing, keeps nothing back."""

import asyncio
import itertools
import random
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import kopf
import structlog
from kubernetes.aio.client import Configuration

from tenant_manager import handlers
from tenant_manager.api.base import GROUP
from tenant_manager.kube import client
from tenant_manager.reconcile.context import Context

QUICK: Final = 60.0  # seconds; a watch that breaks sooner has broken at once
MOST_QUICK: Final = 5  # such breaks in a row, before the process gives up
LONGEST_BACKOFF: Final = 30.0  # seconds
# Unsaid, kopf asks for the name of our user, and the image's has a number only.
OURSELVES: Any = "tenant-manager"

ShutDown = Callable[[], Coroutine[Any, Any, None]]

log = structlog.get_logger("tenant_manager")


class Backoffs:
    """Seconds to wait after each failed request in a row: never ending, so that no outage ends the operator."""

    def __iter__(self) -> Iterator[float]:
        """1, 2, 4, … up to 30, with jitter."""
        for failures in itertools.count():
            yield min(LONGEST_BACKOFF, 2.0 ** min(failures, 10)) * (0.5 + random.random() / 2)  # noqa: S311  # spreads load, guards nothing


class NoDiffBase(kopf.DiffBaseStorage):
    """Nothing is compared by kopf: no annotation, no deep copies."""

    def build(self, **_: Any) -> Any:
        """The same for every object."""
        return {}

    def fetch(self, **_: Any) -> Any:
        """What was stored last: the same again, so that nothing has changed."""
        return {}

    def store(self, **_: Any) -> None:
        """Nothing is stored."""


class NoProgress(kopf.ProgressStorage):
    """Nothing is retried by kopf."""

    def fetch(self, **_: Any) -> None:
        """There is none."""

    def store(self, **_: Any) -> None:
        """Nothing is stored."""

    def purge(self, **_: Any) -> None:
        """There is nothing to remove."""

    def touch(self, **_: Any) -> None:
        """Objects are not touched."""

    def clear(self, *, essence: Any) -> Any:
        """There is nothing of ours in it."""
        return essence


@asynccontextmanager
async def session_for(found: Configuration) -> AsyncIterator[aiohttp.ClientSession]:
    """kopf's connections: few, and with the bearer token of the moment."""

    async def authorize(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if (value := await client.bearer(found)) is not None:
            request.headers["Authorization"] = value
        return await handler(request)

    connector = aiohttp.TCPConnector(limit=32, keepalive_timeout=60, ssl=client.tls(found))
    async with aiohttp.ClientSession(connector=connector, middlewares=(authorize,)) as session:
        yield session


async def watch(
    context: Context,
    found: Configuration,
    session: aiohttp.ClientSession,
    stop: asyncio.Event,
    shut_down: ShutDown,
) -> None:
    """kopf lists, watches and reconnects until `stop` is set; a watch that breaks it is started anew.

    SIGTERM and SIGINT run `shut_down`, which sets `stop` at its end: what still runs when
    kopf ends is cancelled.
    """
    registry = kopf.OperatorRegistry()
    handlers.register(registry)

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=found.host, aiohttp_session=session)

    for failures in itertools.count():
        started = context.queue.clock()
        try:
            await _watch_once(context, registry, stop, shut_down)
        except Exception as error:  # whatever broke the watch
            if failures > MOST_QUICK and context.queue.clock() - started < QUICK:
                raise
            log.warning("the watch broke and is started anew", error=type(error).__name__)
            await asyncio.sleep(min(failures, 5))
        else:
            return


async def _watch_once(
    context: Context, registry: kopf.OperatorRegistry, stop: asyncio.Event, shut_down: ShutDown
) -> None:
    """Until `stop`, or until kopf fails.

    kopf is cancelled: told to stop, it waits five seconds for tasks of its own.
    """
    loop = asyncio.get_running_loop()
    others = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=kopf_settings(),
        memo=context,
        identity=OURSELVES,
        standalone=True,
        clusterwide=True,
    )
    ending: list[asyncio.Task[None]] = []
    for sign in (signal.SIGTERM, signal.SIGINT):  # which kopf has just taken
        loop.add_signal_handler(sign, lambda: ending.append(loop.create_task(shut_down())))
    running = loop.create_task(kopf.run_tasks(tasks, ignored=others))
    stopping = loop.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stop.is_set():
        running.cancel()
        await asyncio.gather(running, *ending, return_exceptions=True)
    else:
        await running


def kopf_settings() -> kopf.OperatorSettings:
    """kopf only watches here: it stores nothing, posts nothing and keeps nothing back."""
    settings = kopf.OperatorSettings()
    settings.queueing.idle_timeout = 0.3  # 73 instead of 205 MB after a restart with 10,000 objects
    settings.queueing.exit_timeout = 2.0
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    settings.persistence.finalizer = f"{GROUP}/unused"  # kopf takes its own away where no handler needs it
    settings.persistence.consistency_timeout = 0
    settings.networking.error_backoffs = Backoffs()
    settings.networking.request_timeout, settings.networking.connect_timeout = 30, 5
    settings.watching.server_timeout, settings.watching.client_timeout = 300, 330
    settings.watching.chunk_size = 500
    settings.scanning.disabled = True
    settings.posting.enabled = False
    return settings
