"""A namespace of a test's own, with its Tenants and its Plans, in the words in which tests speak of them."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from tenant_manager.api.base import GROUP
from tests.cluster import api, health
from tests.cluster.api import Api, Json
from tests.cluster.database import Database, logs_in_by_every_form, session
from tests.cluster.recorder import Key, Recorder
from tests.cluster.waiting import SECONDS, until

PREFIX = "t-"


@dataclass
class Place:
    """Tenants are called by their name, Plans by what follows the namespace's name in theirs."""

    api: Api
    recorder: Recorder
    database: Database
    folder: Path
    namespace: str = field(default_factory=lambda: f"{PREFIX}{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.api.send("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})

    def leave(self) -> None:
        """Everything goes with the namespace, some seconds later; data stays where it is not said otherwise."""
        for kind, _, name in list(self.recorder.now):
            if kind == "Plan" and name.startswith(f"{self.namespace}-") and self.api.find(api.plans(name)):
                self.api.send("DELETE", api.plans(name))
        if self.api.find(path := f"/api/v1/namespaces/{self.namespace}"):
            self.api.send("DELETE", path)

    def elsewhere(self) -> "Place":
        """The same in another namespace."""
        return Place(self.api, self.recorder, self.database, self.folder)

    def identifier(self, name: str = "acme") -> str:
        return f"{self.namespace}_{name}".replace("-", "_")

    def plan_name(self, name: str = "gold") -> str:
        return f"{self.namespace}-{name}"

    def plan(self, name: str = "gold", **spec: Any) -> Json:
        """Apply a Plan: what an earlier call gave and this one does not is taken away."""
        full = self.plan_name(name)
        body = {"apiVersion": f"{GROUP}/v1", "kind": "Plan", "metadata": {"name": full}, "spec": spec}
        return self.api.apply(api.plans(full), body)

    def tenant(self, name: str = "acme", plan: str = "gold", annotations: Json | None = None, **spec: Any) -> Json:
        """Apply a Tenant, in the same way; `None` leaves a field out."""
        metadata = {"name": name, "namespace": self.namespace, "annotations": annotations or {}}
        spec = {"identifier": self.identifier(name), "planRef": {"name": self.plan_name(plan)}} | spec
        spec = {key: value for key, value in spec.items() if value is not None}
        body = {"apiVersion": f"{GROUP}/v1", "kind": "Tenant", "metadata": metadata, "spec": spec}
        return self.api.apply(api.tenants(self.namespace, name), body)

    def annotate(self, name: str, **annotations: str | None) -> None:
        """Ours, by what follows the group; `None` takes one away."""
        named = {f"{GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.api.patch(api.tenants(self.namespace, name), {"metadata": {"annotations": named}})

    def delete(self, name: str = "acme", propagation: str = "Background") -> None:
        options = {"propagationPolicy": propagation}
        self.api.send("DELETE", api.tenants(self.namespace, name), options)

    def seen(self, name: str = "acme") -> Json | None:
        """The Tenant as the watch showed it last."""
        return self.recorder.now.get(Key("Tenant", self.namespace, name))

    def plan_seen(self, name: str = "gold") -> Json | None:
        return self.recorder.now.get(Key("Plan", "", self.plan_name(name)))

    async def until(self, name: str, holds: Any, seconds: float = SECONDS) -> Json:
        """The Tenant, once `holds(tenant)` and its status speaks of the present generation."""

        def asked() -> Json | None:
            there = self.seen(name)
            return there if there and health.is_observed(there) and holds(there) else None

        return await until(asked, seconds, lambda: (self.seen(name) or {}).get("status", "gone"))

    async def ready(self, name: str = "acme", seconds: float = SECONDS) -> Json:
        """The Tenant, once it is Ready; then its Secret must log in, unless it is suspended."""
        generation = self.api.get(api.tenants(self.namespace, name))["metadata"]["generation"]
        there = await self.until(
            name, lambda seen: seen["metadata"]["generation"] >= generation and health.is_true(seen, "Ready"), seconds
        )
        if health.condition(there, "Ready")["reason"] == "Ready":
            secret = self.secret_of(there)
            await logs_in_by_every_form(secret, self.folder)
            await until(lambda: self.database.no_proof_left(secret["user"]))
        return there

    async def not_ready(self, reason: str, name: str = "acme", seconds: float = SECONDS) -> str:
        """The message, once Ready is False for this reason."""
        there = await self.until(name, lambda seen: health.reason(seen) == ("False", reason), seconds)
        return str(health.condition(there, "Ready")["message"])

    async def gone(self, name: str = "acme", seconds: float = SECONDS) -> None:
        await until(lambda: self.seen(name) is None, seconds, lambda: (self.seen(name) or {}).get("status"))

    def secret_of(self, tenant: Json) -> dict[str, str]:
        return decoded(self.api.get(api.secrets(self.namespace, tenant["status"]["binding"]["name"])))

    def secret(self, name: str = "acme") -> dict[str, str]:
        """What an application finds in the Tenant's Secret."""
        return decoded(self.stored_secret(name))

    def stored_secret(self, name: str = "acme") -> Json:
        return self.api.get(api.secrets(self.namespace, f"{name}-connection"))

    @asynccontextmanager
    async def login(self, name: str = "acme") -> AsyncIterator[asyncpg.Connection]:
        """A session of the Tenant's application."""
        async with session(self.secret(name)["uri"]) as connection:
            yield connection

    def events(self, name: str = "acme") -> list[tuple[str, str]]:
        """Reason and message of what was told about the Tenant, in order."""
        found = [
            versions[-1]
            for key, versions in self.recorder.of("Event")
            if key.namespace == self.namespace and versions[-1]["involvedObject"]["name"] == name
        ]
        return [(event["reason"], event["message"]) for event in found]

    async def event(self, reason: str, name: str = "acme", count: int = 1) -> str:
        """The message of the last Event with this reason, once there are so many."""
        told = await until(
            lambda: (said := [text for kind, text in self.events(name) if kind == reason])[count - 1 :] and said,
            told=lambda: self.events(name),
        )
        return told[-1]


def decoded(secret: Json) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
