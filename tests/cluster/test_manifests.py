"""manifests/ on a real API server: what it takes, what Pod Security says, and whom the admission policy holds.

On a control plane of its own, because the binding that every operator works by is moved and taken away here.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.api import Api, Json, Refused, secrets
from tests.servers.build import ROOT, built
from tests.servers.controlplane import ControlPlane
from tests.servers.operator import ACCOUNT, NAMESPACE, install

BASE = ROOT / "manifests"
POLICY = "tenant-manager-secrets"
BINDING = f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{ACCOUNT}"
OURS: Json = {"type": "servicebinding.io/postgresql", "labels": {"tenancy.neostack.io/tenant": "any"}}
IN_FORCE_WITHIN = 10.0  # seconds; about one on an idle machine
HELD = "denied request: Tenant Manager may write only Secrets of type"
NO_RIGHTS = "cannot create resource"

Login = Callable[..., Api]


def try_secret(who: Api, **parts: Any) -> str:
    """What the API server answers to a new Secret, as a dry run; without `parts` to an ordinary one."""
    metadata = {"name": "try", "labels": parts.get("labels", {}), "annotations": parts.get("annotations", {})}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": parts.get("type", "Opaque")}
    try:
        return f"201 {who.send('POST', secrets('default'), secret, dryRun='All')['kind']}"
    except Refused as refused:
        return f"{refused.status} {json.loads(refused.answer)['message']}"


def may_write(who: Api, **parts: Any) -> bool:
    return try_secret(who, **parts) == "201 Secret"


def is_held(who: Api, **parts: Any) -> bool:
    answer = try_secret(who, **parts)
    return answer.startswith("403") and HELD in answer


def has_no_rights(who: Api) -> bool:
    answer = try_secret(who)
    return answer.startswith("403") and NO_RIGHTS in answer


def soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + IN_FORCE_WITHIN
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def plane(servers_folder: Path) -> Iterator[ControlPlane]:
    if built() is None:
        pytest.fail("The control plane is not built: run `make servers`.", pytrace=False)
    plane = ControlPlane.create(servers_folder / "manifests")
    install(plane)
    yield plane
    plane.stop()


@pytest.fixture
def shipped(plane: ControlPlane) -> Iterator[ControlPlane]:
    """The base as it is, whatever the test makes of it."""
    yield plane
    restore(plane)


def restore(plane: ControlPlane) -> None:
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-k", str(BASE))


@pytest.fixture
def login(plane: ControlPlane) -> Iterator[Login]:
    """Clients, closed in the end: with a token, or as whom the admin says to be."""
    made: list[Api] = []

    def log_in(token: str = plane.admin_token, **impersonated: str) -> Api:
        client = Api(plane.server, plane.ca_file, token)
        client._headers |= {f"Impersonate-{what.title()}": who for what, who in impersonated.items()}
        made.append(client)
        return client

    yield log_in
    for client in made:
        client.close()


@pytest.fixture
def admin(login: Login) -> Api:
    return login()


@pytest.fixture
def bound(plane: ControlPlane, login: Login) -> Api:
    """The operator's service account, once the policy is in force."""
    found = login(plane.token(NAMESPACE, ACCOUNT))
    assert soon(lambda: is_held(found))
    return found


def bind(admin: Api, *subjects: Json) -> None:
    """Have the ClusterRoleBinding name these, and nobody else."""
    admin.patch(BINDING, {"subjects": list(subjects) or None})


def rendered(plane: ControlPlane, folder: Path, kind: str) -> Json:
    """The one object of its kind that kustomize makes of the folder."""
    objects = yaml.safe_load_all(plane.kubectl("kustomize", str(folder)))
    (found,) = [item for item in objects if item["kind"] == kind]
    return dict(found)


def overlay(folder: Path, content: Mapping[str, Any]) -> str:
    """A folder with an overlay over our base."""
    base = os.path.relpath(BASE, folder.resolve())
    (folder / "kustomization.yaml").write_text(json.dumps({**content, "resources": [base]}))
    return str(folder)


# What the API server takes


def test_a_second_apply_finds_nothing_to_change(shipped: ControlPlane) -> None:
    shipped.kubectl("apply", "-k", str(BASE))
    for how in ((), ("--dry-run=server",)):
        told = shipped.kubectl("apply", *how, "-k", str(BASE)).splitlines()
        assert [line for line in told if " unchanged" not in line] == []


def test_pod_security_restricted_takes_the_deployment(plane: ControlPlane) -> None:
    labels = rendered(plane, BASE, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == labels["pod-security.kubernetes.io/warn"] == "restricted"
    found = rendered(plane, BASE, "Deployment")
    assert try_out(plane, found | {"metadata": {"name": "try", "namespace": NAMESPACE}}).endswith(
        " created (server dry run)"
    )
    assert try_pod(plane, found["spec"]["template"]["spec"]) == "pod/try created (server dry run)"


def test_pod_security_is_at_work_there(plane: ControlPlane) -> None:
    spec = rendered(plane, BASE, "Deployment")["spec"]["template"]["spec"]
    spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(RuntimeError, match="violates PodSecurity"):
        try_pod(plane, spec)


def try_pod(plane: ControlPlane, spec: Json) -> str:
    return try_out(
        plane, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "try", "namespace": NAMESPACE}, "spec": spec}
    )


def try_out(plane: ControlPlane, body: Json) -> str:
    flags = ("--dry-run=server", "--warnings-as-errors", "-f", "-")
    return plane.kubectl("create", *flags, text=json.dumps(body))


def test_the_disk_is_read_only_and_no_user_is_fixed(plane: ControlPlane) -> None:
    spec = rendered(plane, BASE, "Deployment")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert "runAsUser" not in json.dumps(spec), "OpenShift's restricted policy refuses a fixed one; the image has it"


# Overlays


OVERLAYS = {
    "another-namespace": {"namespace": "platform"},
    "prefix-and-suffix": {"namespace": "platform", "namePrefix": "a-", "nameSuffix": "-b"},
}


@pytest.mark.parametrize("content", OVERLAYS.values(), ids=OVERLAYS.keys())
def test_an_overlay_takes_rights_and_policy_along(
    shipped: ControlPlane, bound: Api, login: Login, tmp_path: Path, content: Mapping[str, str]
) -> None:
    name = f"{content.get('namePrefix', '')}{ACCOUNT}{content.get('nameSuffix', '')}"
    shipped.kubectl("apply", "-k", overlay(tmp_path, content))
    moved = login(shipped.token("platform", name))
    assert soon(lambda: is_held(moved))
    assert may_write(moved, **OURS)
    assert name != ACCOUNT or soon(lambda: has_no_rights(bound))


def test_the_documented_overlay_is_taken(shipped: ControlPlane, login: Login, tmp_path: Path) -> None:
    blocks = re.findall("^```yaml\n(.*?)^```$", (ROOT / "docs" / "install.md").read_text(), re.MULTILINE | re.DOTALL)
    (content,) = [found for block in blocks if (found := yaml.safe_load(block))["kind"] == "Kustomization"]
    folder = overlay(tmp_path, content)
    (container,) = rendered(shipped, tmp_path, "Deployment")["spec"]["template"]["spec"]["containers"]
    names = [item["name"] for item in container["env"]]
    assert {"DATABASE_URL", "CLUSTER_NAME", "TENANT_HOST", "TENANT_CA_FILE"} <= set(names)
    assert len(set(names)) == len(names)
    shipped.kubectl("apply", "-k", folder)
    moved = login(shipped.token(content["namespace"], ACCOUNT))
    assert soon(lambda: is_held(moved))


# Whom the policy holds


def test_the_operator_is_held_and_nobody_else(bound: Api, admin: Api) -> None:
    assert may_write(bound, **OURS)
    assert is_held(bound, type=OURS["type"])
    assert is_held(bound, labels=OURS["labels"])
    token = {"type": "kubernetes.io/service-account-token", "labels": OURS["labels"]}
    token["annotations"] = {"kubernetes.io/service-account.name": "default"}
    assert is_held(bound, **token)
    assert may_write(admin, **token)
    assert may_write(admin)


def test_another_account_that_is_bound_is_held_as_well(
    shipped: ControlPlane, login: Login, bound: Api, admin: Api
) -> None:
    shipped.kubectl("create", "serviceaccount", "second", "--namespace=default")
    second = login(shipped.token("default", "second"))
    assert has_no_rights(second)
    both = [{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": ACCOUNT}]
    both.append({"kind": "ServiceAccount", "namespace": "default", "name": "second"})
    bind(admin, *both)
    assert soon(lambda: is_held(second))
    assert is_held(bound)


def test_users_and_groups_that_are_bound_are_held_as_well(shipped: ControlPlane, login: Login, admin: Api) -> None:
    rbac = {"apiGroup": "rbac.authorization.k8s.io"}
    bind(admin, {"kind": "User", "name": "alice", **rbac}, {"kind": "Group", "name": "operators", **rbac})
    alice, carol = login(user="alice"), login(user="carol", group="operators")
    assert soon(lambda: is_held(alice) and is_held(carol))
    assert has_no_rights(login(user="bob", group="others"))
    assert may_write(admin)


def test_a_binding_of_nobody_stops_nobody(shipped: ControlPlane, bound: Api, admin: Api) -> None:
    bind(admin)
    assert soon(lambda: has_no_rights(bound))
    assert may_write(admin)


def test_a_missing_binding_stops_nobody_and_its_return_holds(shipped: ControlPlane, bound: Api, admin: Api) -> None:
    shipped.kubectl("delete", "clusterrolebinding", ACCOUNT)
    assert soon(lambda: has_no_rights(bound))
    assert may_write(admin)
    restore(shipped)
    assert soon(lambda: is_held(bound))


def test_the_policy_needs_a_moment_and_holds_nobody_else_meanwhile(
    shipped: ControlPlane, bound: Api, admin: Api
) -> None:
    shipped.kubectl("delete", "validatingadmissionpolicy", POLICY)
    assert soon(lambda: may_write(bound))
    restore(shipped)
    assert soon(lambda: _all(may_write(admin)) and is_held(bound))


def test_after_a_restart_the_policy_holds_from_the_first_request_on(shipped: ControlPlane, bound: Api) -> None:
    bound.close()  # it connects anew
    shipped.stop_apiserver(at_once=True)
    shipped.start_apiserver()
    assert soon(lambda: _all(not may_write(bound)) and is_held(bound))


def _all(holds: bool) -> bool:
    """For what must be so all the time."""
    assert holds
    return True
