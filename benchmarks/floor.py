"""The least that has to be done for a new Tenant, in the operator's place: the same SQL, the same API requests.

It has the operator's identity, client, pool and concurrency, and knows what the operator has to find out: that every
Tenant is new, valid, alone in wanting its names, and of one Plan. It retries nothing and notices no change. With
FLOOR_CHECK=0 it leaves out the dry run that tells whose a Secret of that name is.
"""

import asyncio
import gc
import json
import os
from pathlib import Path

import aiohttp
import asyncpg
import uvloop
from kubernetes.aio.client import ApiClient, Configuration

from benchmarks import written
from benchmarks.place import CLUSTER, PLAN
from benchmarks.written import Fixed, Json
from tenant_manager.app import CONNECTIONS
from tenant_manager.core.credentials import draw
from tenant_manager.kube import client
from tenant_manager.kube.client import API, APPLY_PATCH, FIELD_MANAGER, MERGE_PATCH
from tenant_manager.kube.objects import FINALIZER
from tenant_manager.postgres import plan as plan_rows
from tenant_manager.postgres.databases import OperatorConnection
from tenant_manager.postgres.tenant import OBSERVE
from tenant_manager.settings import Settings

WORKERS = Settings.model_fields["workers"].default
POOL = Settings.model_fields["database_connections"].default
CREATE = "SELECT tenancy.create_tenant($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS statements"
FOREVER = aiohttp.ClientTimeout(total=None)
PLAIN = "application/json"
MANAGER = ("fieldManager", FIELD_MANAGER)


class Floor:
    """Makes Tenants over one API client and one pool."""

    def __init__(self, api: ApiClient, pool: asyncpg.Pool, epoch: int) -> None:
        self.api, self.pool, self.epoch = api, pool, epoch
        self.namespaces: dict[str, asyncio.Task[Json]] = {}
        self.check = os.environ.get("FLOOR_CHECK") != "0"

    async def make(self, given: Fixed, body: Json) -> None:
        """One Tenant, from its ADDED event to its status and Event."""
        meta, spec = body["metadata"], body["spec"]
        identifier, core = spec["identifier"], f"/api/v1/namespaces/{meta['namespace']}"
        path = f"{API}/namespaces/{meta['namespace']}/tenants/{meta['name']}"
        secret = f"{core}/secrets/{meta['name']}-connection"
        uid, _, _ = await asyncio.gather(
            self._namespace(meta["namespace"]),
            self.pool.fetch(OBSERVE, [identifier], spec["domain"]),
            self._look(secret),
        )
        version = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        held = await self._send(
            "PATCH", path, {"metadata": version | {"finalizers": [FINALIZER]}}, MERGE_PATCH, MANAGER
        )
        password = await self._create(given, meta, spec, uid)
        wanted = written.secret(given, meta, identifier, password)
        await self._send("PATCH", secret, wanted, APPLY_PATCH, MANAGER, ("force", "true"))
        version["resourceVersion"] = held["metadata"]["resourceVersion"]
        said = {"metadata": version, "status": written.status(given, meta, identifier)}
        await asyncio.gather(
            self._send("PATCH", f"{path}/status", said, MERGE_PATCH, MANAGER),
            self._send("POST", f"{core}/events", written.event(meta, identifier), PLAIN),
        )

    async def fixed(self, url: str) -> Fixed:
        """What the one Plan says; its row, which tenants refer to, is written."""
        found = (await self._send("GET", f"{API}/plans", None, PLAIN))["items"]
        given = written.fixed(next(one for one in found if one["metadata"]["name"] == PLAN), url)
        row = json.dumps(plan_rows.as_json(given.plan), default=float)
        await self.pool.execute("SELECT tenancy.set_plan($1, $2)", self.epoch, row)
        return given

    async def _create(self, given: Fixed, meta: Json, spec: Json, uid: str) -> str:
        """The one transaction; the password."""
        fresh = draw(os.urandom)
        owner = (CLUSTER, meta["namespace"], uid, meta["name"])
        login = (fresh.verifier(), given.connections, json.dumps(dict(given.settings)), True)
        rows = json.dumps(written.rows(given, spec))
        await self.pool.fetchrow(CREATE, self.epoch, spec["identifier"], *owner, *login, rows, meta["generation"])
        return fresh.password

    async def _look(self, secret: str) -> None:
        """The operator's way to see whose a Secret of that name is."""
        if self.check:
            await self._send("PATCH", secret, {}, MERGE_PATCH, ("dryRun", "All"), missing=True)

    async def _namespace(self, name: str) -> str:
        """Its UID, asked for once."""
        if name not in self.namespaces:
            asked = self._send("GET", f"/api/v1/namespaces/{name}", None, PLAIN)
            self.namespaces[name] = asyncio.create_task(asked)
        uid: str = (await self.namespaces[name])["metadata"]["uid"]
        return uid

    async def _send(
        self, method: str, path: str, body: Json | None, content: str, *query: tuple[str, str], missing: bool = False
    ) -> Json:
        prepared = await self.api.param_serialize(
            method,
            path,
            query_params=list(query),
            header_params={"Accept": PLAIN, "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        response = await self.api.call_api(*prepared, _request_timeout=15)
        answer: Json = json.loads(await response.read())  # type: ignore[no-untyped-call]
        if response.status >= 400 and not (missing and response.status == 404):
            raise RuntimeError(f"{method} {path}: {response.status} {answer.get('reason')}")
        return answer


async def watch(found: Configuration, work: "asyncio.Queue[Json]") -> None:
    """Queue every Tenant that appears, from now on; say "ready" once the API server has begun to answer."""
    connector = aiohttp.TCPConnector(ssl=client.tls(found))
    headers = {"Authorization": str(await client.bearer(found))}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        version, place = "", f"{found.host}{API}/tenants?watch=true&resourceVersion="
        while True:  # the API server ends a watch when it likes, and refuses one of a CRD that is very new
            async with session.get(f"{place}{version}", timeout=FOREVER) as response:
                if response.status == 429:
                    await asyncio.sleep(0.5)
                    continue
                response.raise_for_status()
                print("ready", flush=True)
                async for line in response.content:
                    event = json.loads(line)
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] == "ADDED":
                        work.put_nowait(event["object"])


async def _work(floor: Floor, given: Fixed, work: "asyncio.Queue[Json]") -> None:
    while True:
        await floor.make(given, await work.get())


async def main() -> None:
    """Until it is killed, or fails."""
    url = os.environ["DATABASE_URL"]
    found = await client.configuration(Path(os.environ["KUBECONFIG"]), CONNECTIONS)
    pool = await asyncpg.create_pool(url, min_size=POOL, max_size=POOL, connection_class=OperatorConnection)
    floor = Floor(ApiClient(found), pool, await pool.fetchval("SELECT tenancy.take_lead('floor')"))
    given = await floor.fixed(url)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the operator
    work: asyncio.Queue[Json] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(found, work))
        for _ in range(WORKERS):
            group.create_task(_work(floor, given, work))


if __name__ == "__main__":
    uvloop.run(main())
