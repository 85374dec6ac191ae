"""The kernel calls that the examples will lead to, known before there is a cluster: state and steps are pure."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tenant_manager.api.plan import PlanSpec
from tenant_manager.api.tenant import TenantSpec, default_identifier
from tenant_manager.core import plan, tenant
from tenant_manager.core.credentials import Credentials, draw
from tenant_manager.core.identity import Owner
from tenant_manager.core.plan import Plan
from tenant_manager.postgres.call import Call
from tenant_manager.postgres.tenant import call

VERIFIER = "SCRAM-SHA-256$"
UNKNOWN = "<uid>"  # what only the API server gives
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Preview:
    """One transaction: what it is for, and the calls in their order."""

    tenant: str
    calls: tuple[str, ...]


def documents(folder: Path) -> list[Document]:
    """The objects of all files, in the order in which kubectl applies them."""
    return [
        document
        for path in sorted(folder.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if document
    ]


def previews(objects: Sequence[Document], cluster: str) -> Iterator[Preview]:
    """What each Tenant leads to in a database that has none of them."""
    plans = {item.name: item for item in map(_plan, objects) if item is not None}
    stored: dict[str, Plan] = {}
    fresh = draw(os.urandom)
    for document in objects:
        if document["kind"] == "Tenant":
            spec = TenantSpec.model_validate(document["spec"])
            its_plan = plans[spec.plan_ref.name]
            steps = (*plan.diff(its_plan, stored.get(its_plan.name)), *_steps(document, spec, its_plan, cluster))
            stored[its_plan.name] = its_plan
            yield Preview(document["metadata"]["name"], tuple(_rendered(step, fresh) for step in steps))


def _plan(document: Document) -> Plan | None:
    if document["kind"] != "Plan":
        return None
    return Plan(document["metadata"]["name"], UNKNOWN, 1, PlanSpec.model_validate(document["spec"]))


def _steps(document: Document, spec: TenantSpec, its_plan: Plan, cluster: str) -> tuple[tenant.Step, ...]:
    meta = document["metadata"]
    identifier = spec.identifier or default_identifier(meta["name"])
    if identifier is None:
        raise ValueError(f"{meta['name']} needs an identifier")
    owner = Owner(cluster, meta["namespace"], UNKNOWN, meta["name"])
    wanted = tenant.desired(identifier, owner, spec, its_plan)
    return tenant.diff(wanted, None, password_stands=False).steps


def _rendered(step: tenant.Step, fresh: Credentials) -> str:
    return rendered(call(step, 1, fresh))


def rendered(made: Call) -> str:
    """A call as SQL for people to read: `epoch` stands for $1, and the verifier is masked."""
    values = ["epoch", *map(_literal, made.args)]
    text = re.sub(r"\$([0-9]+)", lambda found: values[int(found[1]) - 1], made.sql)
    return text.removeprefix("SELECT ").removesuffix(" AS statements")


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{VERIFIER}<masked>'" if value.startswith(VERIFIER) else "'" + value.replace("'", "''") + "'"
    return _json(value) if isinstance(value, Mapping | list) else str(value)


def _json(value: Any) -> str:
    return "'" + json.dumps(value, ensure_ascii=False, default=float).replace("'", "''") + "'"
