"""What is written for a new Tenant, word for word as the operator does; what the Plan says of it is worked out once."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from benchmarks.place import CLUSTER, PLAN
from tenant_manager.api.plan import PlanSpec
from tenant_manager.api.tenant import PlanRef, TenantSpec
from tenant_manager.core import tenant
from tenant_manager.core.identity import Owner
from tenant_manager.core.plan import Plan
from tenant_manager.kube.client import API, FIELD_MANAGER
from tenant_manager.postgres import catalog

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fixed:
    """What is the same for every Tenant of the benchmark."""

    plan: Plan
    limits: Mapping[str, Any]
    connections: int
    settings: Mapping[str, str]
    catalog: Mapping[str, Any]
    host: str
    port: int
    dbname: str


def fixed(body: Mapping[str, Any], url: str) -> Fixed:
    """From the Plan as the API server has it, and the operator's DATABASE_URL."""
    meta, place = body["metadata"], urlsplit(url)
    plan = Plan(PLAN, meta["uid"], meta["generation"], PlanSpec.model_validate(body["spec"]))
    anybody = TenantSpec(plan_ref=PlanRef(name=PLAN))
    wanted = tenant.desired("tenant_x", Owner(CLUSTER, "x", "x", "x"), anybody, plan)
    return Fixed(
        plan,
        wanted.catalog.limits,
        wanted.login.connection_limit,
        wanted.login.settings,
        catalog.as_json(wanted.catalog),
        host=str(place.hostname),
        port=place.port or 5432,
        dbname=place.path.removeprefix("/"),
    )


def rows(given: Fixed, spec: Mapping[str, Any]) -> Json:
    """The catalog's rows."""
    return dict(given.catalog) | {
        "name": spec["displayName"],
        "domain": spec["domain"],
        "settings": spec["settings"],
    }


def secret(given: Fixed, meta: Mapping[str, Any], identifier: str, password: str) -> Json:
    """The connection Secret."""
    host, port, dbname = given.host, str(given.port), given.dbname
    where = f"{host}:{port}/{dbname}"
    data = {
        "type": "postgresql",
        "provider": "tenant-manager",
        "host": host,
        "port": port,
        "database": dbname,
        "dbname": dbname,
        "username": identifier,
        "user": identifier,
        "password": password,
        "sslmode": "prefer",
        "uri": f"postgresql://{identifier}:{password}@{where}?sslmode=prefer",
        "jdbc-uri": f"jdbc:postgresql://{where}?user={identifier}&password={password}&sslmode=prefer",
        "pgpass": f"{host}:{port}:{dbname}:{identifier}:{password}\n",
    }
    labels = {
        "app.kubernetes.io/name": "tenant-manager",
        "app.kubernetes.io/managed-by": "tenant-manager",
        "app.kubernetes.io/component": "connection",
        "tenancy.neostack.io/tenant": identifier,
    }
    name = {"name": f"{meta['name']}-connection", "namespace": meta["namespace"]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "servicebinding.io/postgresql",
        "metadata": name | {"labels": labels, "annotations": {}},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def status(given: Fixed, meta: Mapping[str, Any], identifier: str) -> Json:
    """The status of a Tenant that is Ready."""
    generation, now = meta["generation"], _now()
    message = f"Schema and login {identifier} are as they should be."
    said = (
        ("Ready", "True", "Ready", message),
        ("Reconciling", "False", "Ready", message),
        ("Stalled", "False", "Ready", message),
        ("PlanFound", "True", "PlanFound", "The Plan is there."),
    )
    return {
        "observedGeneration": generation,
        "conditions": [
            {"type": kind, "status": flag, "reason": reason, "message": text}
            | {"observedGeneration": generation, "lastTransitionTime": now}
            for kind, flag, reason, text in said
        ],
        "identifier": identifier,
        "database": {"name": "default", "host": given.host, "port": given.port, "dbname": given.dbname},
        "binding": {"name": f"{meta['name']}-connection"},
        "plan": {"name": given.plan.name, "generation": given.plan.generation},
        "limits": given.limits,
    }


def event(meta: Mapping[str, Any], identifier: str) -> Json:
    """The one Event."""
    thing = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name']}.{uuid.uuid4().hex[:16]}", "namespace": meta["namespace"]},
        "involvedObject": {"apiVersion": API.removeprefix("/apis/"), "kind": "Tenant", **thing},
        "reason": "TenantCreated",
        "message": f"Made schema and login {identifier}.",
        "type": "Normal",
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "firstTimestamp": _now(),
        "lastTimestamp": _now(),
        "count": 1,
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
