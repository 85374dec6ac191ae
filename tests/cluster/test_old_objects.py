"""Objects that older CRDs let in can still be edited, told about, and deleted under the committed ones.

The CRDs are installed under a group of the tests' own: first without any rule, as if everything had once been allowed,
so that anything can be stored; then as committed.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenant_manager.api.base import GROUP
from tests.servers.controlplane import ControlPlane
from tools.crds import KINDS, crd

Json = dict[str, Any]

HERE = Path(__file__).parent
STORED = sorted((HERE / "objects").glob("*/*.yaml"))
# What no later version of the API may do, since the API server does not forgive it: change a field's type, or lower the
# number of keys in free JSON.
NEVER = {"tenant-settings-list", "plan-price-number", "tenant-settings-65-keys"}
BAD = [path for path in sorted((HERE.parent / "bad").glob("*.yaml")) if path.stem not in NEVER]
ELSEWHERE = "old.example.com"
NAMESPACE = "old-objects"
HELD = "example.com/held"


def elsewhere(text: str) -> Json:
    moved: Json = yaml.safe_load(text.replace(GROUP, ELSEWHERE))
    return moved


def loosened(committed: Json) -> Json:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = committed["spec"]["versions"][0] | {"schema": {"openAPIV3Schema": anything}, "selectableFields": []}
    return without_short_names(committed | {"spec": committed["spec"] | {"versions": [version]}})


def without_short_names(definition: Json) -> Json:
    """Short names and categories are the real group's."""
    names = definition["spec"]["names"] | {"shortNames": [], "categories": []}
    return definition | {"spec": definition["spec"] | {"names": names}}


def named(path: Path) -> Json:
    """The object in `path`, under a name that no other has: names of their own are kept if they are what is odd."""
    found = elsewhere(path.read_text())
    if found["metadata"]["name"] == "bad":
        found["metadata"]["name"] = path.stem
    return found


OBJECTS = [named(path) for path in (*STORED, *BAD)]
NAMES = {kind.plural: [each["metadata"]["name"] for each in OBJECTS if each["kind"] == kind.name] for kind in KINDS}


@pytest.fixture(scope="module")
def stored(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """All of `OBJECTS`, held by a finalizer, under CRDs that have become strict since."""
    committed = [without_short_names(elsewhere(json.dumps(crd(kind)))) for kind in KINDS]
    control_plane.kubectl("create", "namespace", NAMESPACE)
    install(control_plane, [loosened(each) for each in committed])
    held = [each | {"metadata": each["metadata"] | {"finalizers": [HELD]}} for each in OBJECTS]
    control_plane.kubectl("create", "-f", "-", f"--namespace={NAMESPACE}", text=listed(held))
    install(control_plane, committed)
    until_strict(control_plane)
    yield control_plane
    control_plane.kubectl("delete", "crds", *(f"{kind.plural}.{ELSEWHERE}" for kind in KINDS), "--wait=false")
    control_plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def install(control_plane: ControlPlane, crds: list[Json]) -> None:
    control_plane.kubectl("apply", "--server-side", "-f", "-", text=listed(crds))
    names = [f"crd/{each['metadata']['name']}" for each in crds]
    control_plane.kubectl("wait", "--for=condition=Established", *names)


def until_strict(control_plane: ControlPlane) -> None:
    """The API server takes a moment to follow a CRD."""
    for plural, kind in (("plans", "Plan"), ("tenants", "Tenant")):
        wrong = {"apiVersion": f"{ELSEWHERE}/v1", "kind": kind, "metadata": {"name": "probe"}, "spec": {"limits": 1}}
        for _ in range(200):
            try:
                control_plane.kubectl("create", "--dry-run=server", "-f", "-", text=json.dumps(wrong))
            except RuntimeError:
                break
        else:
            pytest.fail(f"the new CRD of {plural} is not in force")


def listed(objects: list[Json]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def patch_all(control_plane: ControlPlane, plural: str, change: Json, subresource: str = "") -> None:
    for name in NAMES[plural]:
        patch(control_plane, plural, name, change, subresource)


def patch(control_plane: ControlPlane, plural: str, name: str, change: Json, subresource: str = "") -> None:
    """As the operator does it; kubectl takes 0.15 s for each."""
    place = f"namespaces/{NAMESPACE}/{plural}" if plural == "tenants" else plural
    url = f"{control_plane.server}/apis/{ELSEWHERE}/v1/{place}/{name}{subresource}"
    headers = {
        "Authorization": f"Bearer {control_plane.admin_token}",
        "Content-Type": "application/merge-patch+json",
    }
    request = urllib.request.Request(url, json.dumps(change).encode(), headers, method="PATCH")  # noqa: S310 -- https
    trusted = ssl.create_default_context(cafile=str(control_plane.ca_file))
    try:
        urllib.request.urlopen(request, context=trusted).close()  # noqa: S310 -- https, as above
    except urllib.error.HTTPError as refused:
        pytest.fail(f"{name}: {json.load(refused)['message']}", pytrace=False)


PLURALS = pytest.mark.parametrize("plural", sorted(NAMES))


@PLURALS
def test_an_old_object_takes_a_status(stored: ControlPlane, plural: str) -> None:
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "InvalidSpec",
        "message": "`spec` is not valid.",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-11-24T10:00:00Z",
    }
    patch_all(stored, plural, {"status": {"observedGeneration": 1, "conditions": [condition]}}, "/status")


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_object_takes_its_status(stored: ControlPlane, path: Path) -> None:
    old = elsewhere(path.read_text())
    plural = f"{old['kind'].lower()}s"
    patch(stored, plural, old["metadata"]["name"], {"status": old.get("status", {})}, "/status")


@PLURALS
def test_an_old_object_takes_a_label(stored: ControlPlane, plural: str) -> None:
    patch_all(stored, plural, {"metadata": {"labels": {"team": "a"}}})


@PLURALS
def test_another_finalizer_is_put_on_an_old_object(stored: ControlPlane, plural: str) -> None:
    patch_all(stored, plural, {"metadata": {"finalizers": [HELD, f"{GROUP}/tenant"]}})


@PLURALS
def test_an_old_object_is_deleted(stored: ControlPlane, plural: str) -> None:
    kind = f"{plural}.{ELSEWHERE}"
    stored.kubectl("delete", kind, "--all", f"--namespace={NAMESPACE}", "--wait=false")
    patch_all(stored, plural, {"status": {"observedGeneration": 2}}, "/status")
    patch_all(stored, plural, {"metadata": {"finalizers": None}})
    assert stored.kubectl("get", kind, f"--namespace={NAMESPACE}", "--output=name") == ""
