"""The operator inside the test's own process, without watches: it lists, works until it is quiet, or is cut off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tenant_manager import app
from tenant_manager.kube import client
from tenant_manager.kube.client import Api, Request
from tenant_manager.reconcile.context import Context
from tenant_manager.reconcile.queue import Lane
from tenant_manager.settings import Settings

QUIET_WITHIN = 30.0  # seconds


class Cut(BaseException):
    """The process is gone at this point."""


@dataclass(slots=True)
class Knife:
    """Cuts at the n-th stroke. There is a stroke before and after each write to the API, and after each kernel call."""

    at: int | None = None
    strokes: int = 0
    fallen: asyncio.Event = field(default_factory=asyncio.Event)

    def stroke(self) -> None:
        self.strokes += 1
        if self.at is not None and self.strokes >= self.at:  # what is dead does nothing any more
            self.fallen.set()
            raise Cut


class CutApi(Api):
    """The real API, seen by an operator that may be cut off before or after each of its writes."""

    knife: Knife

    async def send(self, request: Request) -> dict[str, Any]:
        writes = request.method != "GET" and ("dryRun", "All") not in request.query
        if writes:
            self.knife.stroke()
        answer = await super().send(request)
        if writes:
            self.knife.stroke()
        return answer


@asynccontextmanager
async def session(settings: Settings, knife: Knife) -> AsyncIterator[Context]:
    """An operator that runs inside the block and is killed at its end: no shutdown, connections drop."""
    found = await client.configuration(settings.kubeconfig, 8)
    api = CutApi(client.connect(found)._client)
    api.knife = knife
    context = app.build(settings, api)
    context.database.measure = lambda function, seconds: knife.stroke()
    await app.list_all(context)
    tasks = [asyncio.create_task(job) for job in app.jobs(context)]
    try:
        yield context
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if context.database.pool is not None:
            context.database.pool.terminate()
        await api.close()


async def until_quiet_or_cut(context: Context, knife: Knife) -> None:
    """Return when nothing waits, nothing runs and nothing failed, or when the knife fell."""
    async with asyncio.timeout(QUIET_WITHIN):
        while not knife.fallen.is_set():
            await asyncio.sleep(0.01)
            if context.may_work.is_set() and _is_quiet(context):
                return


def _is_quiet(context: Context) -> bool:
    queue = context.queue
    idle = not queue.running and not any(queue.depth(lane) for lane in Lane)
    return idle and not any(queue.failed(key) for key in context.cache.objects)


async def run_to_the_end(settings: Settings, at: int | None = None) -> Knife:
    """Start an operator, let it work until it is quiet or cut at stroke `at`, and kill it."""
    knife = Knife(at)
    async with session(settings, knife) as context:
        await until_quiet_or_cut(context, knife)
    return knife
