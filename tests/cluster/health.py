"""What tools make of a status: kstatus (Flux, Helm 4), `kubectl wait`, and Argo CD by the mapping for this kind."""

from tests.cluster.api import Json

GROUP_PAUSED = "tenancy.neostack.io/paused"


def condition(thing: Json, kind: str) -> Json:
    """The condition of this type; empty if there is none."""
    conditions: list[Json] = thing.get("status", {}).get("conditions", [])
    return next((item for item in conditions if item["type"] == kind), {})


def is_true(thing: Json, kind: str) -> bool:
    return condition(thing, kind).get("status") == "True"


def reason(thing: Json) -> tuple[str | None, str | None]:
    """Status and reason of Ready."""
    ready = condition(thing, "Ready")
    return ready.get("status"), ready.get("reason")


def is_observed(thing: Json) -> bool:
    return bool(thing.get("status", {}).get("observedGeneration") == thing["metadata"]["generation"])


def kstatus(thing: Json) -> str:
    """kubernetes-sigs/cli-utils, pkg/kstatus/status."""
    if "deletionTimestamp" in thing["metadata"]:
        return "Terminating"
    status = thing.get("status", {})
    if "observedGeneration" in status and not is_observed(thing):
        return "InProgress"
    for item in status.get("conditions", []):
        if item["type"] == "Reconciling" and item["status"] == "True":
            return "InProgress"
        if item["type"] == "Stalled" and item["status"] == "True":
            return "Failed"
    ready = condition(thing, "Ready")
    return "Current" if ready.get("status", "True") == "True" else "InProgress"


def kubectl_waits_no_more(thing: Json, kind: str = "Ready") -> bool:
    """`kubectl wait --for=condition=Ready`: kubectl, pkg/cmd/wait."""
    found = condition(thing, kind)
    observed = found.get("observedGeneration", thing.get("status", {}).get("observedGeneration"))
    if observed is not None and observed < thing["metadata"]["generation"]:
        return False
    return bool(found.get("status", "").lower() == "true")


def argo(thing: Json) -> str:
    """The health that Argo CD shows by its script for this kind."""
    if "deletionTimestamp" in thing["metadata"] or not is_observed(thing):
        return "Progressing"
    if is_true(thing, "Stalled"):
        return "Degraded"
    if (thing["metadata"].get("annotations") or {}).get(GROUP_PAUSED) == "true":
        return "Suspended"
    return "Healthy" if is_true(thing, "Ready") else "Progressing"
