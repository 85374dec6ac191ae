"""Questions to the demo's cluster, asked with kubectl."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.kubeconfig import run_kubectl

from .place import Trouble

KINDS = "tenants.tenancy.neostack.io,plans.tenancy.neostack.io"
TABLES = (("get tenants,plans -A -o wide",), ("get tenants,plans -A",), ("get tenants -A", "get plans"))
GOOD = {"Tenant": "Ready", "Plan": "RolledOut"}  # the condition that an object has when all is done


@dataclass(frozen=True)
class Found:
    """A Tenant or a Plan, as far as the demo looks at it."""

    kind: str
    namespace: str
    name: str
    plan: str | None  # that a Tenant has
    suspended: bool
    secret: str | None
    done: bool
    message: str
    tenants: int  # to which a Plan was applied

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Connection:
    """What a Tenant's Secret tells an application."""

    values: dict[str, str] = field(repr=False)

    @property
    def uri(self) -> str:
        return self.values["uri"]

    @property
    def identifier(self) -> str:
        return self.values["username"]


@dataclass(frozen=True)
class Cluster:
    """Where `kubeconfig` leads, with its rights."""

    kubeconfig: Path

    def kubectl(self, *arguments: str) -> str:
        return run_kubectl(self.kubeconfig, *arguments)

    def everything(self) -> list[Found]:
        """All Tenants and Plans."""
        return [_found(item) for item in self._items("get", KINDS, "--all-namespaces")]

    def tenant(self, wanted: str) -> Found:
        """The Tenant called NAME, or NAMESPACE/NAME.

        Raises:
            Trouble: there is none, or more than one.
        """
        namespace, _, name = wanted.rpartition("/")
        tenants = [item for item in self.everything() if item.kind == "Tenant"]
        fitting = [item for item in tenants if item.name == name and namespace in {"", item.namespace}]
        if not fitting:
            known = ", ".join(sorted(item.name for item in tenants)) or "none at all"
            raise Trouble(f"There is no Tenant {wanted}; there is: {known}.")
        if len(fitting) > 1:
            choices = " or ".join(f"TENANT={item.namespace}/{item.name}" for item in fitting)
            raise Trouble(f"There is more than one Tenant {name}: say {choices}.")
        return fitting[0]

    def connection(self, tenant: Found) -> Connection:
        """The content of the Tenant's Secret.

        Raises:
            Trouble: it has none yet.
        """
        if tenant.secret is None:
            raise Trouble(f"The Tenant {tenant.name} has no Secret yet: {tenant.message}")
        secret = json.loads(
            self.kubectl("get", "secret", tenant.secret, f"--namespace={tenant.namespace}", "--output=json")
        )
        return Connection({key: base64.b64decode(value).decode() for key, value in secret["data"].items()})

    def table(self, width: int | None) -> tuple[str, list[str]]:
        """A kubectl command that lists Tenants and Plans, and what it prints: the widest form that fits."""
        for commands in TABLES:
            lines = "\n\n".join(self.kubectl(*command.split()) for command in commands).splitlines()
            if width is None or max(map(len, lines), default=0) <= width:
                break
        return "; ".join(f"kubectl {command}" for command in commands), lines

    def events(self, tenant: Found, reason: str) -> dict[str, str]:
        """Messages of the Events of this reason about the Tenant, by the Event's name, in the order of time."""
        about = f"involvedObject.kind=Tenant,involvedObject.name={tenant.name},reason={reason}"
        items = self._items("get", "events", f"--namespace={tenant.namespace}", f"--field-selector={about}")
        return {item["metadata"]["name"]: item["message"] for item in items}

    def _items(self, *arguments: str) -> Sequence[dict[str, Any]]:
        items: Sequence[dict[str, Any]] = json.loads(self.kubectl(*arguments, "--output=json"))["items"]
        return items


def _found(item: dict[str, Any]) -> Found:
    status = item.get("status") or {}
    conditions = {found["type"]: found for found in status.get("conditions") or ()}
    good = conditions.get(GOOD[item["kind"]]) or {}
    now = status.get("observedGeneration") == item["metadata"]["generation"]
    return Found(
        kind=item["kind"],
        namespace=item["metadata"].get("namespace", ""),
        name=item["metadata"]["name"],
        plan=item["spec"].get("planRef", {}).get("name"),
        suspended=item["spec"].get("access") == "Suspended",
        secret=(status.get("binding") or {}).get("name"),
        done=now and good.get("status") == "True",
        message=good.get("message") or "The operator has not looked at it yet.",
        tenants=(status.get("tenants") or {}).get("current", 0),
    )
