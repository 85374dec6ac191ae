"""What every status must hold, as a list of what it breaks: for Flux, Helm and Argo CD, and for `kubectl wait`."""

from collections.abc import Iterator
from itertools import pairwise

from tests.cluster import health
from tests.cluster.api import Json

ALWAYS = {"Ready", "Reconciling", "Stalled"}
OURS = "tenant-manager"
NOT_LOOKED_AT = {"observedGeneration": -1}


def broken_by_tenant(versions: list[Json]) -> Iterator[str]:
    """All versions of one Tenant, oldest first."""
    if versions[0]["status"] != NOT_LOOKED_AT:
        yield f"it began with {versions[0]['status']}"
    for version in versions:
        if version["status"] == NOT_LOOKED_AT:
            if health.kstatus(version) not in {"InProgress", "Terminating"}:
                yield "a Tenant that nobody has looked at counts as healthy"
        else:
            yield from _conditions(version)
            yield from _verdicts(version)
    for before, after in pairwise(versions):
        yield from _times(before, after)


def broken_by_plan(versions: list[Json]) -> Iterator[str]:
    """All versions of one Plan."""
    if "status" in versions[0]:
        yield "it began with a status"
    for version in versions:
        if (status := version.get("status")) is None:
            continue
        rolled_out = health.condition(version, "RolledOut")
        if rolled_out["observedGeneration"] != status["observedGeneration"]:
            yield f"RolledOut speaks of another generation: {status}"
        numbers = status["tenants"]
        if set(status) != {"observedGeneration", "tenants", "conditions"} or not all(
            isinstance(number, int) for number in numbers.values()
        ):
            yield f"more than numbers: {status}"
        if rolled_out["status"] == "True" and numbers["current"] != numbers["total"]:
            yield f"rolled out with {numbers}"


def written_beside_status_and_finalizer(version: Json) -> set[str]:
    """Fields that the operator owns and should not, by the API server's own account."""
    owned = set()
    for entry in version["metadata"].get("managedFields", []):
        if entry["manager"] == OURS:
            fields = entry["fieldsV1"]
            owned |= {name for name in fields if name not in {"f:metadata", "f:status"}}
            owned |= {f"f:metadata.{name}" for name in fields.get("f:metadata", {}) if name != "f:finalizers"}
    return owned


def is_told_by_us_alone(versions: list[Json]) -> bool:
    """Whether nobody else ever wrote the status."""
    return not any(
        entry.get("subresource") == "status" and entry["manager"] != OURS
        for version in versions
        for entry in version["metadata"].get("managedFields", [])
    )


def _conditions(version: Json) -> Iterator[str]:
    status = version["status"]
    found = {item["type"]: item for item in status.get("conditions", [])}
    if not found.keys() >= ALWAYS:
        yield f"conditions are missing: {sorted(found)}"
        return
    if any(found[kind].get("observedGeneration") != status["observedGeneration"] for kind in ALWAYS):
        yield f"a condition speaks of another generation than the status: {status}"
    if any("observedGeneration" not in item for item in found.values()):
        yield f"a condition does not say of which generation it speaks: {status}"
    ready, reconciling, stalled = (found[kind]["status"] for kind in ("Ready", "Reconciling", "Stalled"))
    paused = health.is_true(version, "Paused")
    if "True" in {reconciling, stalled} and (ready == "True" or reconciling == stalled):
        yield f"Ready {ready}, Reconciling {reconciling}, Stalled {stalled}"
    if ready == "False" and reconciling == stalled == "False" and not paused:
        yield f"neither ready nor on the way nor stalled: {status}"
    if ready == "True" and not {"identifier", "plan", "binding", "database"} <= status.keys():
        yield f"ready without what it is: {status}"


def _verdicts(version: Json) -> Iterator[str]:
    """What tools conclude must fit what the operator means."""
    if "deletionTimestamp" in version["metadata"] or not health.is_observed(version):
        if health.kstatus(version) not in {"InProgress", "Terminating"} or health.argo(version) != "Progressing":
            yield f"healthy for the wrong generation: {version['status']}"
        if not health.is_observed(version) and health.kubectl_waits_no_more(version):
            yield f"kubectl wait is deceived: {version['status']}"
        return
    verdict = health.kstatus(version)
    expected = "Current" if health.is_true(version, "Ready") else "InProgress"
    expected = "Failed" if health.is_true(version, "Stalled") else expected
    if verdict != expected or health.kubectl_waits_no_more(version) != (verdict == "Current"):
        yield f"kstatus says {verdict}, meant is {expected}: {version['status']}"
    if (health.argo(version) == "Degraded") != (verdict == "Failed"):
        yield f"Argo CD says {health.argo(version)}, kstatus {verdict}: {version['status']}"


def _times(before: Json, after: Json) -> Iterator[str]:
    for item in after["status"].get("conditions", []):
        known = health.condition(before, item["type"])
        same = known.get("status") == item["status"]
        if same and known["lastTransitionTime"] != item["lastTransitionTime"]:
            yield f"{item['type']} stayed {item['status']} and has another lastTransitionTime"
