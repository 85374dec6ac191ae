"""Tenants and Plans as the operator keeps them: what it reads of an object and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from tenant_manager.api import reasons
from tenant_manager.api.base import GROUP
from tenant_manager.api.plan import PlanSpec, PlanStatus
from tenant_manager.api.tenant import TenantSpec, TenantStatus
from tenant_manager.core.stopped import Stopped

FINALIZER: Final = f"{GROUP}/tenant"
PAUSED: Final = f"{GROUP}/paused"
ABANDON: Final = f"{GROUP}/abandon"
REQUESTED: Final = f"{GROUP}/reconcile-requested-at"
READ = (PAUSED, ABANDON, REQUESTED)


@dataclass(frozen=True, slots=True)
class Key:
    """Which object. A Plan has no namespace."""

    kind: str
    name: str
    namespace: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


TENANT: Final = "Tenant"
PLAN: Final = "Plan"


@dataclass(frozen=True, slots=True)
class KubeObject:
    """What both kinds have in common. `spec` and `status` are as the API server sent them."""

    key: Key
    uid: str
    resource_version: int
    generation: int
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    annotations: Mapping[str, str]  # those that the operator reads
    created: datetime
    finalizers: tuple[str, ...] = ()
    deleting: bool = False

    def differs(self, other: "KubeObject") -> bool:
        """Whether anything but the version differs."""
        return replace(self, resource_version=0) != replace(other, resource_version=0)


def parse(kind: str, body: Mapping[str, Any]) -> KubeObject:
    """An object as the API server sends it."""
    meta = body["metadata"]
    annotations = meta.get("annotations") or {}
    return KubeObject(
        key=Key(kind, meta["name"], meta.get("namespace")),
        uid=meta["uid"],
        resource_version=int(meta["resourceVersion"]),
        generation=meta["generation"],
        spec=body.get("spec") or {},
        status=body.get("status") or {},
        annotations={name: annotations[name] for name in READ if name in annotations},
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        finalizers=tuple(meta.get("finalizers") or ()),
        deleting="deletionTimestamp" in meta,
    )


def tenant_spec(tenant: KubeObject) -> TenantSpec:
    """The spec as a model.

    Raises:
        Stopped: INVALID_SPEC, for an object that was stored before the CRD forbade it.
    """
    try:
        return TenantSpec.model_validate(tenant.spec)
    except ValidationError as error:
        raise Stopped(reasons.INVALID_SPEC, _first(error)) from None


def plan_spec(plan: KubeObject) -> PlanSpec:
    """The spec as a model.

    Raises:
        Stopped: INVALID_SPEC.
    """
    try:
        return PlanSpec.model_validate(plan.spec)
    except ValidationError as error:
        raise Stopped(reasons.INVALID_SPEC, _first(error)) from None


def tenant_status(tenant: KubeObject) -> TenantStatus:
    """The status as a model; one that somebody broke counts as none."""
    try:
        return TenantStatus.model_validate(tenant.status)
    except ValidationError:
        return TenantStatus()


def flags(tenant: KubeObject) -> dict[str, str]:
    """Its conditions, status by type, without a model: for those who look at all Tenants at once."""
    return {item["type"]: item["status"] for item in tenant.status.get("conditions") or ()}


def plan_status(plan: KubeObject) -> PlanStatus:
    """The status as a model; one that somebody broke counts as none."""
    try:
        return PlanStatus.model_validate(plan.status)
    except ValidationError:
        return PlanStatus()


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"`spec.{'.'.join(map(str, problem['loc']))}`: {problem['msg']}"
