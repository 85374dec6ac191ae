"""The control plane that all other tests trust: it answers, says no, and does what a cluster does by itself."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.servers.build import ROOT
from tests.servers.controlplane import ControlPlane
from tests.servers.errors import CannotStart
from tests.servers.kubeconfig import run_kubectl, write_kubeconfig
from tests.servers.leftovers import end_all


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    name = f"servers-{uuid4().hex[:6]}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def config_map(name: str, **metadata: object) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}})


def test_it_answers(control_plane: ControlPlane) -> None:
    assert control_plane.kubectl("get", "--raw", "/readyz") == "ok"
    versions = json.loads(control_plane.kubectl("version", "--output=json"))
    assert int(versions["serverVersion"]["minor"].rstrip("+")) >= 33


def test_a_service_account_may_do_nothing_until_it_is_allowed(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "someone", "-n", namespace)
    someone = control_plane.kubeconfig_for(namespace, "someone")
    assert f"system:serviceaccount:{namespace}:someone" in run_kubectl(someone, "auth", "whoami")
    with pytest.raises(RuntimeError, match="forbidden"):
        run_kubectl(someone, "get", "secrets", "-n", namespace)
    control_plane.kubectl("create", "role", "reader", "--verb=list", "--resource=secrets", "-n", namespace)
    subject = f"--serviceaccount={namespace}:someone"
    control_plane.kubectl("create", "rolebinding", "reader", "--role=reader", subject, "-n", namespace)
    assert within(5, lambda: "yes" in _can(someone, "list", namespace))
    assert run_kubectl(someone, "get", "secrets", "-n", namespace) == ""
    with pytest.raises(RuntimeError, match="forbidden"):
        run_kubectl(someone, "delete", "secret", "any", "-n", namespace)
    with pytest.raises(RuntimeError, match="forbidden"):
        run_kubectl(someone, "get", "secrets", "-n", "kube-system")


def _can(kubeconfig: Path, verb: str, namespace: str) -> str:
    try:
        return run_kubectl(kubeconfig, "auth", "can-i", verb, "secrets", "-n", namespace)
    except RuntimeError:
        return "no"


def test_an_unknown_token_is_refused(control_plane: ControlPlane, tmp_path: Path) -> None:
    stranger = write_kubeconfig(tmp_path / "stranger", control_plane.server, control_plane.ca_file, "wrong")
    with pytest.raises(RuntimeError, match=r"Unauthorized|logged in"):
        run_kubectl(stranger, "get", "namespaces")


def test_what_is_owned_goes_with_its_owner(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "-n", namespace, "-f", "-", text=config_map("owner"))
    uid = control_plane.kubectl("get", "configmap", "owner", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    control_plane.kubectl("create", "-n", namespace, "-f", "-", text=config_map("owned", ownerReferences=[reference]))
    control_plane.kubectl("delete", "configmap", "owner", "-n", namespace)
    assert within(10, lambda: "owned" not in control_plane.kubectl("get", "configmaps", "-n", namespace))


def test_a_namespace_goes_with_all_that_is_in_it(control_plane: ControlPlane, namespace: str) -> None:
    held = config_map("inside", finalizers=["example.org/held"])
    control_plane.kubectl("create", "-n", namespace, "-f", "-", text=held)
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")
    time.sleep(1)
    assert "Terminating" in control_plane.kubectl("get", "namespace", namespace)
    patch = '{"metadata": {"finalizers": null}}'
    control_plane.kubectl("patch", "configmap", "inside", "-n", namespace, "--type=merge", "-p", patch)
    control_plane.kubectl("wait", "--for=delete", f"namespace/{namespace}", "--timeout=30s")


def test_the_audit_log_knows_who_was_refused(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "curious", "-n", namespace)
    curious = control_plane.kubeconfig_for(namespace, "curious")
    with pytest.raises(RuntimeError, match="forbidden"):
        run_kubectl(curious, "get", "nodes")
    assert control_plane.audit_log is not None, "run it without KUBECONFIG_TEST: this cluster's log is out of reach"
    events = [json.loads(line) for line in control_plane.audit_log.read_text().splitlines()]
    mine = [event for event in events if event["user"].get("username", "").endswith(f"{namespace}:curious")]
    assert [(e["verb"], e["objectRef"]["resource"], e["responseStatus"]["code"], e["stage"]) for e in mine][-1:] == [
        ("list", "nodes", 403, "ResponseComplete")
    ]


def test_outage_restart_and_what_a_killed_run_left(server_folder: Path) -> None:
    """One story, since each start takes seconds: a run is killed, the next takes over its folder."""
    script = (
        "import sys, os, signal; from pathlib import Path; from tests.servers.controlplane import ControlPlane\n"
        "plane = ControlPlane.create(Path(sys.argv[1])); plane.kubectl('create', 'namespace', 'kept')\n"
        "print(plane.server, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", script, str(server_folder)]
    left = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    assert run_kubectl(server_folder / "admin.kubeconfig", "get", "--raw", "/readyz") == "ok"

    plane = ControlPlane.create(server_folder)
    token = plane.token("default", "default")
    assert plane.server == left
    assert "kept" in plane.kubectl("get", "namespaces")

    plane.stop_apiserver(at_once=True)
    with pytest.raises(RuntimeError, match="refused"):
        plane.kubectl("get", "namespaces")
    plane.start_apiserver()
    assert "kept" in plane.kubectl("get", "namespaces")
    assert "default" in plane.kubectl("auth", "whoami", f"--token={token}")

    end_all(server_folder)
    assert not list(server_folder.glob("*.pid"))
    plane.stop()


def test_a_cluster_of_somebody_else_is_not_stopped(control_plane: ControlPlane, server_folder: Path) -> None:
    server_folder.mkdir()
    existing = ControlPlane.existing(control_plane.kubeconfig, server_folder)
    assert existing.server == control_plane.server
    assert existing.kubectl("get", "--raw", "/readyz") == "ok"
    assert existing.kubeconfig_for("default", "default").parent == server_folder
    with pytest.raises(CannotStart, match="run it without KUBECONFIG_TEST"):
        existing.stop_apiserver()
    existing.stop()
    assert control_plane.kubectl("get", "--raw", "/readyz") == "ok"
