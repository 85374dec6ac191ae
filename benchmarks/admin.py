"""The API as the cluster's admin sees it, over as few requests and as little Python as possible."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp

from tests.servers.controlplane import ControlPlane

Json = dict[str, Any]
T = TypeVar("T")


class Admin:
    """Requests with JSON in and out."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session, self._server = session, server

    async def send(self, method: str, path: str, body: Json | None = None, content: str = "application/json") -> Json:
        """The answer. RuntimeError with its text if the API server refuses."""
        headers = {"Content-Type": content}
        text = None if body is None else json.dumps(body)
        async with self._session.request(method, self._server + path, data=text, headers=headers) as response:
            answer = await response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {answer.decode()}")
        found: Json = json.loads(answer)
        return found

    async def version(self, path: str) -> str:
        """The version of a list: where a watch of it begins."""
        return str((await self.send("GET", f"{path}?limit=1"))["metadata"]["resourceVersion"])

    async def watch(self, path: str, version: str) -> AsyncIterator[Json]:
        """All events after `version`, for ever. The API server ends a watch when it likes; it is taken up again."""
        while True:
            url = f"{self._server}{path}?watch=true&resourceVersion={version}"
            async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=None)) as response:
                response.raise_for_status()
                async for line in response.content:
                    event = json.loads(line)
                    version = event["object"]["metadata"]["resourceVersion"]
                    yield event


@asynccontextmanager
async def connect(plane: ControlPlane) -> AsyncIterator[Admin]:
    """A session of its own."""
    context = ssl.create_default_context(cafile=str(plane.ca_file))
    headers = {"Authorization": f"Bearer {plane.admin_token}"}
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        yield Admin(session, plane.server)


async def each(items: Iterable[T], do: Callable[[T], Coroutine[Any, Any, object]], at_once: int) -> None:
    """`do` for each item, so many at once."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
