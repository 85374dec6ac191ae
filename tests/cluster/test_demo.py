"""`make demo` and its companions, from the first start to the last process that ends. It brings its own servers."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.servers.build import ROOT, built
from tests.servers.kubeconfig import run_kubectl
from tests.servers.leftovers import temporary_folder
from tests.servers.process import Process
from tools.demo.cluster import Cluster
from tools.demo.place import EXISTING, Place

ALL = ["operator", "kube-controller-manager", "kube-apiserver", "etcd", "postgres"]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    if built() is None:
        pytest.fail("The control plane is not built: run `make servers`.", pytrace=False)
    with temporary_folder() as folder:
        yield Place(folder)


def demo(place: Place, command: str, text: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != EXISTING}
    return subprocess.run(
        [sys.executable, "-m", "tools.demo", command],
        cwd=ROOT,
        env={**inherited, "DEMO_FOLDER": str(place.folder), **variables},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def first(place: Place) -> str:
    """What the first start said."""
    done = demo(place, "start", PGPASSWORD="wrong", DATABASE_URL="postgresql://elsewhere/db", TENANT_HOST="elsewhere")
    assert done.returncode == 0, done.stderr
    return done.stdout


def secrets_of(place: Place) -> list[str]:
    cluster = Cluster(place.kubeconfig)
    tenants = [item for item in cluster.everything() if item.kind == "Tenant"]
    passwords = [cluster.connection(tenant).values["password"] for tenant in tenants]
    return [*passwords, place.pgpass.read_text().strip().rpartition(":")[2]]


def test_it_shows_the_whole_of_it(place: Place, first: str) -> None:
    assert place.running() == ALL
    for shown in (
        "not held  ",
        "tenancy.create_tenant(epoch, 'acme', ",
        "3 Tenants are Ready, 2 Plans are rolled out",
        "SELECT id, text FROM notes ORDER BY id DESC LIMIT 1  -- 1 | hello from acme",
        "SELECT * FROM acme.notes  -- ERROR: permission denied for schema acme",
        "login of globex dropped, logged in again after ",
        "Event DriftRepaired: Repaired globex: MakeLogin",
        "make psql TENANT=acme",
    ):
        assert shown in first


def test_it_shows_no_secret(place: Place, first: str) -> None:
    for secret in secrets_of(place):
        assert secret not in first


def test_a_second_one_says_how_to_reach_the_first(place: Place, first: str) -> None:
    again = demo(place, "start")
    assert again.returncode == 0
    assert again.stdout.startswith("The demo runs already.")
    ending = demo(place, "start", KEEP="0")
    assert ending.returncode == 1
    assert "KEEP=0 would end it" in ending.stderr
    assert place.running() == ALL


def test_the_objects_of_the_readme_are_accepted(place: Place, first: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        run_kubectl(place.kubeconfig, "apply", "--dry-run=server", "--filename=-", text=block)


def test_psql_is_the_tenant(place: Place, first: str) -> None:
    for name in ("acme", "customers/acme"):
        done = demo(place, "psql", "SELECT session_user, text FROM notes LIMIT 1", TENANT=name)
        assert "acme         | hello from acme" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("tenant", "message"),
    [
        ("nobody", "There is no Tenant nobody; there is: acme, globex, initech."),
        ("elsewhere/acme", "There is no Tenant elsewhere/acme; there is: acme, globex, initech."),
        ("initech", "The login of the Tenant initech is closed: its `spec.access` is Suspended."),
    ],
)
def test_psql_says_why_not(place: Place, first: str, tenant: str, message: str) -> None:
    done = demo(place, "psql", TENANT=tenant)
    assert (done.returncode, done.stderr.strip()) == (1, message)


def test_the_shell_has_everything_at_hand(place: Place, first: str) -> None:
    script = "kubectl get tenants -A -o name; psql -Atc 'SELECT current_user'; tenant-manager --version; env; exit 3"
    done = demo(place, "shell", script, SHELL="/bin/sh")
    assert done.returncode == 0
    for expected in ("tenant.tenancy.neostack.io/acme", "\npostgres\n", "\n0."):
        assert expected in done.stdout
    for secret in secrets_of(place):
        assert secret not in done.stdout


def test_what_died_is_started_again(place: Place, first: str) -> None:
    Process(place.operator, "operator").stop()
    assert "start it with `make demo`" in demo(place, "psql", TENANT="acme").stderr
    done = demo(place, "start")
    assert done.returncode == 0, done.stderr
    assert place.running() == ALL


def test_stop_leaves_no_process_and_keeps_the_data(place: Place, first: str) -> None:
    ended = demo(place, "stop")
    assert (ended.returncode, ended.stdout) == (0, f"Ended: {', '.join(ALL)}.\n")
    assert place.running() == []
    assert demo(place, "stop").stdout == "No demo runs.\n"
    started = time.monotonic()
    again = demo(place, "start", KEEP="0")
    assert again.returncode == 0, again.stderr
    assert time.monotonic() - started < 60  # 10 on an idle machine
    assert place.running() == []
    assert "hello from acme" in again.stdout


def test_a_failure_is_a_sentence_and_leaves_no_process(place: Place, first: str) -> None:
    demo(place, "stop")
    (place.postgres / "data" / "PG_VERSION").write_text("9\n")
    failed = demo(place, "start", KEEP="0")
    assert failed.returncode == 1
    assert "PostgreSQL 18 did not start" in failed.stderr
    assert f"`rm -rf {place.folder}`" in failed.stderr
    assert "Traceback" not in failed.stderr
    commands = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if str(place.folder) in command]
