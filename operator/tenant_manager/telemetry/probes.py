"""/healthz, /readyz, /health and /metrics."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Health:
    """What the probes tell. `why_not` names what keeps the operator from being ready."""

    database: str  # connected or disconnected
    tenants: int
    version: str
    why_not: str | None = None

    @property
    def status(self) -> str:
        """The word for it."""
        return "healthy" if self.why_not is None else "unhealthy"


async def serve(host: str, port: int, health: Callable[[], Health], metrics: Callable[[], bytes]) -> web.AppRunner:
    """Listen; clean the runner up to stop. Liveness does not look at the database: a restart would not mend it."""

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        why_not = health().why_not
        return web.Response(text=f"{why_not or 'ok'}\n", status=200 if why_not is None else 503)

    async def report(_: web.Request) -> web.Response:
        now = health()
        told = {"status": now.status, "database": now.database, "tenants_count": now.tenants, "version": now.version}
        return web.json_response(told, status=200 if now.why_not is None else 503)

    async def measure(_: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE})

    application = web.Application()
    application.add_routes(
        [
            web.get("/healthz", alive),
            web.get("/readyz", ready),
            web.get("/health", report),
            web.get("/metrics", measure),
        ]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
