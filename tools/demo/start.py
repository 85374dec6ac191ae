"""The demo from its first server to a login that is healed, in the order in which it is shown."""

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from tenant_manager.postgres.held import Promise
from tests.servers import operator
from tests.servers.binaries import controlplane
from tests.servers.build import built
from tests.servers.controlplane import ControlPlane
from tests.servers.operator import OperatorProcess
from tests.servers.postgres import PostgresServer

from . import database, proof
from .cluster import Cluster, Found
from .place import EXISTING, ROOT, Place, Trouble
from .preview import documents, previews
from .screen import Line, Screen, Stage

EXAMPLES = ROOT / "examples"
CLUSTER = "demo"
SCAN_SECONDS = 2
TIME_TO_READY = 60.0  # seconds; usually one
POLL = 0.2
OWNER, OTHER = "acme", "globex"  # of examples/; `globex` owns no table, so its login can be dropped


def start(place: Place, screen: Screen) -> None:
    """Bring everything up in `place`, and show that it works.

    Raises:
        CannotBuild, CannotStart, ServerMissing, Refused, Trouble, RuntimeError: with a message for people.
    """
    server, operator_url = _postgres(place, screen)
    screen.show("What the examples will lead to: a transaction a Tenant", _calls())
    plane = _kubernetes(place, screen)
    _operator(place, screen, plane, operator_url)
    screen.clear()
    cluster = Cluster(plane.kubeconfig)
    _examples(screen, cluster)
    _logins(screen, cluster)
    _heal(screen, cluster, database.as_superuser(server))


def _postgres(place: Place, screen: Screen) -> tuple[PostgresServer, str]:
    with screen.stage("PostgreSQL") as stage:
        server = database.start(place)
        stage.detail = f"{server.sql('SHOW server_version')} at {server.host}:{server.port}"
    with screen.stage("Bootstrap") as stage:
        prepared = database.prepare(server)
        held = sum(promise.held for promise in prepared.promises)
        stage.detail = f"{held} of {len(prepared.promises)} promises held here; a probe tenant logged in"
    screen.show("What this server holds, and what to do about the rest", _held(prepared.promises))
    return server, prepared.operator_url


def _held(promises: Sequence[Promise]) -> list[Line]:
    lines: list[Line] = []
    for promise in promises:
        mark = Text("held      ", style="green") if promise.held else Text("not held  ", style="yellow")
        lines.append(mark.append(promise.name, style="default"))
        if promise.advice:
            lines.append(f"          {promise.advice}")
    return lines


def _calls() -> list[Line]:
    lines: list[Line] = []
    for preview in previews(documents(EXAMPLES), CLUSTER):
        names = [preview.tenant, *[""] * (len(preview.calls) - 1)]
        lines += [
            Text(f"{name:9} ", style="bold").append(made, style="not bold")
            for name, made in zip(names, preview.calls, strict=True)
        ]
    return lines


def _kubernetes(place: Place, screen: Screen) -> ControlPlane:
    with screen.stage("Kubernetes") as stage:
        plane = _control_plane(place, screen, stage)
        stage.detail = "installing manifests/: CRDs, RBAC, admission policy"
        operator.install(plane)
        stage.detail = f"{_version(plane)} at {plane.server}, manifests/ installed"
    return plane


def _control_plane(place: Place, screen: Screen, stage: Stage) -> ControlPlane:
    if existing := os.environ.get(EXISTING):
        place.controlplane.mkdir(exist_ok=True)
        return ControlPlane.existing(Path(existing).resolve(), place.controlplane)
    if built() is None:
        controlplane(lambda fraction, text: screen.progress(stage, fraction, f"building it, once: {text}"))
    stage.detail = "starting etcd, kube-apiserver and kube-controller-manager"
    return ControlPlane.create(place.controlplane)


def _version(plane: ControlPlane) -> str:
    return str(json.loads(plane.kubectl("version", "--output=json"))["serverVersion"]["gitVersion"])


def _operator(place: Place, screen: Screen, plane: ControlPlane, url: str) -> None:
    with screen.stage("Operator") as stage:
        kubeconfig = plane.kubeconfig_for(operator.NAMESPACE, operator.ACCOUNT)
        settings = {"CLUSTER_NAME": CLUSTER, "SCAN_SECONDS": str(SCAN_SECONDS)}
        process = OperatorProcess(place.operator, kubeconfig, url, **settings)
        process.start()
        place.note(plane.kubeconfig, process.url)
        stage.detail = f"as service account {operator.ACCOUNT} and as tenancy_operator"


def _examples(screen: Screen, cluster: Cluster) -> None:
    expected = {(item["kind"], item["metadata"]["name"]) for item in documents(EXAMPLES) if item["kind"] != "Namespace"}
    with screen.stage("Examples", "kubectl apply -f examples/") as stage:
        cluster.kubectl("apply", "-f", str(EXAMPLES))
        found = _until_done(cluster, stage, expected)
        tenants = sum(item.kind == "Tenant" for item in found)
        stage.detail = f"{tenants} Tenants are Ready, {len(found) - tenants} Plans are rolled out"
    command, lines = cluster.table(None if screen.width is None else screen.width - 2)
    screen.show(f"$ {command}", lines, table=True)


def _until_done(cluster: Cluster, stage: Stage, expected: set[tuple[str, str]]) -> list[Found]:
    deadline = time.monotonic() + TIME_TO_READY
    while True:
        found = [item for item in cluster.everything() if (item.kind, item.name) in expected]
        followers = Counter(f"Plan {item.plan}" for item in found if item.plan)
        behind = [item for item in found if not item.done or item.tenants < followers[str(item)]]
        if len(found) == len(expected) and not behind:
            return found
        if time.monotonic() > deadline:
            raise Trouble(" ".join(f"{item}: {item.message}" for item in behind) or "The examples were not applied.")
        stage.detail = f"kubectl apply -f examples/; waiting for {', '.join(map(str, behind))}"
        time.sleep(POLL)


def _logins(screen: Screen, cluster: Cluster) -> None:
    owner, other = (cluster.connection(cluster.tenant(name)) for name in (OWNER, OTHER))
    with screen.stage("Login", f"with the URI of {OWNER}'s Secret") as stage:
        lines: list[Line] = [f"{OWNER}=> {line}" for line in proof.work_as(owner)]
        lines += [f"{OTHER}=> {line}" for line in proof.refused_as(other, owner)]
        stage.detail = f"{OWNER} works in its own schema, {OTHER} cannot read it"
    screen.show(f"$ psql {database.masked(owner.uri)}, and the same as {OTHER}", lines)


def _heal(screen: Screen, cluster: Cluster, superuser_url: str) -> None:
    tenant = cluster.tenant(OTHER)
    connection = cluster.connection(tenant)
    told = set(cluster.events(tenant, proof.HEALED))
    with screen.stage("Healing", f"dropping the login of {OTHER} behind the operator's back") as stage:
        broken = proof.break_login(superuser_url, connection.identifier)
        lines = [f"postgres=# {broken.statement};"]
        seconds, message = proof.until_healed(cluster, tenant, connection, told)
        lines.append(f"Event {proof.HEALED}: {message}")
        stage.detail = f"login of {OTHER} {broken.what}, logged in again after {seconds:.1f} s"
    screen.show("Broken and healed", lines)
