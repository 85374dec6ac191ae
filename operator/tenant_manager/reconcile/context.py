"""What every recipe works with: one place for the API, the database, the cache, the queue and the outside world."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from tenant_manager.core.credentials import Credentials, draw
from tenant_manager.core.identity import Owner
from tenant_manager.core.plan import Plan
from tenant_manager.core.stopped import Stopped
from tenant_manager.kube.client import Api, Request
from tenant_manager.kube.objects import PLAN, Key, KubeObject
from tenant_manager.kube.secrets import Endpoint
from tenant_manager.postgres.databases import Database
from tenant_manager.reconcile.cache import Cache
from tenant_manager.reconcile.queue import Queue
from tenant_manager.settings import Settings
from tenant_manager.telemetry.metrics import Metrics

log = structlog.get_logger("tenant_manager")


@dataclass(slots=True)
class Context:
    """The operator's world. Time and randomness come in as functions, so that tests can say what they are."""

    settings: Settings
    api: Api
    database: Database
    endpoint: Endpoint
    cache: Cache
    queue: Queue
    metrics: Metrics
    now: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]
    stored_plans: dict[str, Plan] = field(default_factory=dict)  # as applied last; the database's, kept in step
    changed_passwords: frozenset[str] = frozenset()  # identifiers whose login changed its own, as of the last scan
    to_try: set[Key] = field(default_factory=set)  # Tenants whose next pass logs in, where nobody may compare verifiers
    sampled: int = 0  # how far the samples have come
    namespaces: dict[str, str] = field(default_factory=dict)  # name -> UID
    asking: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))  # by namespace
    may_work: asyncio.Event = field(default_factory=asyncio.Event)  # the lists are complete
    stopping: bool = False

    def lose_lead(self, stopped: Stopped) -> None:
        """Another operator works here: write nothing more, but do not exit: a restart would take the lead back."""
        if not self.database.fenced:
            self.database.fenced = True
            self.metrics.fenced.set(1)
            log.error("another operator has the lead; this one writes nothing more", message=stopped.message)

    def fresh(self) -> Credentials:
        """A new password and salt for one pass."""
        return draw(self.random_bytes, self.settings.scram_iterations)

    def plan_version(self, name: str) -> tuple[str, int] | None:
        """What tells one text of a Plan from another: UID and generation; `None` where there is no Plan."""
        found = self.cache.objects.get(Key(PLAN, name))
        return None if found is None else (found.uid, found.generation)

    async def owner(self, tenant: KubeObject) -> Owner:
        """Who the Tenant is to the registry.

        The namespace's UID is kept until a Tenant of it goes: one that is made again has none left.

        Raises:
            Refused, Unreachable: the namespace cannot be read.
        """
        namespace = str(tenant.key.namespace)
        async with self.asking[namespace]:  # many new Tenants of one namespace ask once
            if (uid := self.namespaces.get(namespace)) is None:
                found = await self.api.send(Request("GET", f"/api/v1/namespaces/{namespace}"))
                uid = self.namespaces[namespace] = found["metadata"]["uid"]
        return Owner(self.settings.cluster_name, namespace, uid, tenant.key.name)
