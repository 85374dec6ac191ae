"""The committed CRDs on a real API server: what it takes, what it refuses and in which words, what kubectl shows."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenant_manager.api.base import GROUP
from tests import drawn
from tests.servers.controlplane import ControlPlane
from tools.crds import PLAN, TENANT, Kind, rendered

Json = dict[str, Any]

ROOT = Path(__file__).parent.parent.parent
BAD = sorted((ROOT / "tests" / "bad").glob("*.yaml"))
NAMESPACE = "crds"
IDENTIFIER_IS_FIXED = (
    "`spec.identifier` cannot be changed: the tenant's data is in the schema named in status.identifier"
)


class Cluster:
    """kubectl in a namespace of our own."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self.kubectl = control_plane.kubectl

    def try_out(self, *objects: Json) -> None:
        """Have the API server judge new objects without storing them."""
        self.send("create", *objects, flags=["--dry-run=server"])

    def apply(self, *objects: Json) -> None:
        self.send("apply", *objects)

    def send(self, verb: str, *objects: Json, flags: list[str] | None = None) -> str:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        return self.kubectl(verb, "-f", "-", f"--namespace={NAMESPACE}", *(flags or []), text=json.dumps(listed))

    def set_status(self, name: str, status: Json) -> None:
        patch = json.dumps({"status": status})
        self.on_tenants("patch", name, "--subresource=status", "--type=merge", f"--patch={patch}")

    def on_tenants(self, verb: str, *arguments: str) -> str:
        return self.kubectl(verb, f"tenants.{GROUP}", *arguments, f"--namespace={NAMESPACE}")


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> Iterator[Cluster]:
    crds = [f"crd/{plural}.{GROUP}" for plural in ("plans", "tenants")]
    control_plane.kubectl("apply", *(f"--filename={path}" for path in rendered()))
    control_plane.kubectl("wait", "--for=condition=Established", *crds)
    control_plane.kubectl("create", "namespace", NAMESPACE)
    yield Cluster(control_plane)
    control_plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def tenant(name: str, **spec: Any) -> Json:
    spec = {"planRef": {"name": "plan-of-these-tests"}} | spec
    return {"apiVersion": f"{GROUP}/v1", "kind": "Tenant", "metadata": {"name": name}, "spec": spec}


def test_every_example_is_accepted(cluster: Cluster) -> None:
    examples = ROOT / "examples"
    cluster.kubectl("apply", "-f", str(examples / "00-namespace.yaml"))
    taken = cluster.kubectl("apply", "--dry-run=server", "-f", str(examples)).splitlines()
    assert {line.split(".")[0].split("/")[0] for line in taken} == {"namespace", "plan", "tenant"}


@pytest.fixture(scope="module")
def refusals(cluster: Cluster) -> dict[str, str]:
    """What the API server says to each bad example."""
    with pytest.raises(RuntimeError) as refused:
        cluster.kubectl("create", "--dry-run=server", "-f", str(BAD[0].parent), f"--namespace={NAMESPACE}")
    said = re.findall(r'when creating "([^"]+)": (.*?)(?=\nError from server|\Z)', str(refused.value), re.DOTALL)
    return {Path(path).name: words for path, words in said}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_bad_example_is_refused_in_these_words(path: Path, refusals: dict[str, str]) -> None:
    (expected,) = re.findall("^# Refused: (.*)$", path.read_text(), re.MULTILINE)
    said = refusals[path.name].split(" is invalid: ", maxsplit=1)[1]
    # When a bound is broken, the API server adds that it looked at no rule.
    assert re.sub(", <nil>: Invalid value: null: some validation rules.*", "", said).removeprefix("[") == expected


@pytest.mark.parametrize("length", [44, 253])
def test_a_long_name_needs_an_identifier(cluster: Cluster, length: int) -> None:
    cluster.try_out(tenant("a" * length, identifier="tenant_long"))


@pytest.mark.parametrize("name", ["acme", "a-b", "1", "a" * 43, "select", "public"])
def test_a_plain_name_needs_none(cluster: Cluster, name: str) -> None:
    cluster.try_out(tenant(name))


@pytest.mark.parametrize("identifier", ["a", "acme", "a" * 50, "a_1_b", "selects", "pgadmin", "all_in", "tenant_user"])
def test_identifiers_that_may_be_set(cluster: Cluster, identifier: str) -> None:
    cluster.try_out(tenant("accepted", identifier=identifier))


def test_a_plan_may_come_later(cluster: Cluster) -> None:
    cluster.try_out(tenant("early", planRef={"name": "not-there-yet"}))


def test_settings_of_64_keys_are_accepted(cluster: Cluster) -> None:
    cluster.try_out(tenant("settled", settings={f"key{index}": {"any": [None]} for index in range(64)}))


@pytest.mark.parametrize("kind", [TENANT, PLAN], ids=lambda kind: kind.name)
@given(data=st.data())
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_the_generator_draws_is_what_the_api_server_takes(
    kind: Kind, cluster: Cluster, data: st.DataObject
) -> None:
    specs = data.draw(st.lists(drawn.specs(kind), min_size=10, max_size=10))
    cluster.try_out(
        *(
            {"apiVersion": f"{GROUP}/v1", "kind": kind.name, "metadata": {"name": f"drawn-{index}"}, "spec": spec}
            for index, spec in enumerate(specs)
        )
    )


def test_a_tenant_that_nobody_looked_at_says_so(cluster: Cluster) -> None:
    stored = json.loads(cluster.send("create", tenant("fresh"), flags=["--dry-run=server", "--output=json"]))
    assert stored["status"] == {"observedGeneration": -1}
    defaults = {key: stored["spec"][key] for key in ("isolation", "access", "deletionPolicy")}
    assert defaults == {"isolation": "Schema", "access": "Full", "deletionPolicy": "Retain"}


def test_an_identifier_cannot_change_once_it_is_in_status(cluster: Cluster) -> None:
    name = "fixed-1"
    cluster.apply(tenant(name))
    cluster.set_status(name, {"observedGeneration": 1, "identifier": "tenant_fixed_1"})
    cluster.apply(tenant(name, identifier="tenant_fixed_1"))
    cluster.apply(tenant(name))
    for spec in ({"identifier": "tenant_other"}, {"identifier": "tenant_fixed"}):
        with pytest.raises(RuntimeError, match=re.escape(f"spec.identifier: Invalid value: {IDENTIFIER_IS_FIXED}")):
            cluster.apply(tenant(name, **spec))
    with pytest.raises(RuntimeError, match=re.escape(IDENTIFIER_IS_FIXED)):
        cluster.set_status(name, {"identifier": "tenant_other"})


def test_an_identifier_cannot_be_taken_away_once_it_is_in_status(cluster: Cluster) -> None:
    cluster.apply(tenant("fixed-2", identifier="own"))
    cluster.set_status("fixed-2", {"observedGeneration": 1, "identifier": "own"})
    with pytest.raises(RuntimeError, match=re.escape(IDENTIFIER_IS_FIXED)):
        cluster.apply(tenant("fixed-2"))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("tenant.spec.identifier", "The tenant's one name inside PostgreSQL"),
        ("tenant.spec.limits.storage", "Enforced by the application"),
        ("tenant.spec.limits.connections", "Enforced by the database"),
        ("tenant.status.conditions.lastTransitionTime", "When `status` last changed"),
        ("plan.spec.session.workMem", "between 64Ki and 2147483647Ki"),
        ("pgp.spec.price.amount", "as a decimal number in quotes"),
    ],
)
def test_kubectl_explain_is_the_manual(cluster: Cluster, field: str, words: str) -> None:
    assert words in " ".join(cluster.kubectl("explain", field, f"--api-version={GROUP}/v1").split())


def test_tenants_of_a_plan_can_be_selected(cluster: Cluster) -> None:
    cluster.apply(tenant("selected", planRef={"name": "rare"}), tenant("other", planRef={"name": "common"}))
    assert cluster.on_tenants("get", "--field-selector=spec.planRef.name=rare", "--output=name") == (
        f"tenant.{GROUP}/selected"
    )


@pytest.mark.parametrize(
    ("kind", "flags", "columns"),
    [
        ("pgt", "", "NAME PLAN ISOLATION SCHEMA READY REASON AGE"),
        (
            "pgt",
            "--output=wide",
            "NAME PLAN ISOLATION SCHEMA READY REASON ACCESS DOMAIN DATABASE SECRET PLAN-GEN DELETION MESSAGE AGE",
        ),
        ("pgp", "", "NAME DISPLAY PRICE CURRENCY TENANTS CURRENT STALLED ROLLEDOUT AGE"),
        ("pgp", "--output=wide", "NAME DISPLAY PRICE CURRENCY PER TENANTS CURRENT STALLED ROLLEDOUT MESSAGE AGE"),
    ],
)
def test_the_columns(cluster: Cluster, kind: str, flags: str, columns: str) -> None:
    plan = {"apiVersion": f"{GROUP}/v1", "kind": "Plan", "metadata": {"name": "shown"}, "spec": {}}
    cluster.apply(tenant("shown", identifier="tenant_shown"), plan)
    table = cluster.kubectl("get", kind, f"--namespace={NAMESPACE}", *filter(None, [flags]))
    assert table.splitlines()[0].split() == columns.split()


def test_both_kinds_are_in_one_category(cluster: Cluster) -> None:
    names = cluster.kubectl("api-resources", "--categories=tenancy", "--output=name", "--cached=false").split()
    assert {f"tenants.{GROUP}", f"plans.{GROUP}"} <= set(names)


def test_service_binding_tools_find_the_tenants(cluster: Cluster) -> None:
    found = cluster.kubectl("get", "crds", "--selector=servicebinding.io/provisioned-service=true", "--output=name")
    assert f"customresourcedefinition.apiextensions.k8s.io/tenants.{GROUP}" in found.split()


def test_the_bad_examples_are_whole_objects() -> None:
    for path in BAD:
        assert {"apiVersion", "kind", "metadata", "spec"} == set(yaml.safe_load(path.read_text()))
