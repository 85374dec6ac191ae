"""A Kubernetes control plane of our own: etcd, kube-apiserver with RBAC, and kube-controller-manager.

The controller-manager does garbage collection, namespace deletion, service accounts and role aggregation. There is no
scheduler and no node: no pod ever runs. The admin's token bypasses RBAC; `kubeconfig_for` gives what does not.

The folder holds all of it (keys, tokens, data, logs); a second `create` in the same folder starts the same cluster
again, on the same ports if they are still free.

KUBECONFIG_TEST names the kubeconfig of an existing cluster that the tests take instead. They make and remove CRDs,
cluster roles and namespaces there, and what stops servers or reads the audit log fails.
"""

import json
import secrets
import signal
import ssl
import time
import urllib.request
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path

from . import flags
from .binaries import controlplane
from .certificates import write_rsa_key
from .errors import CannotStart
from .flags import Ports
from .kubeconfig import read_cluster, run_kubectl, write_kubeconfig, write_private
from .ports import free_ports, is_free
from .process import Process

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
TIME_TO_START = 120.0  # seconds; 2 to 4 on an idle machine
DAY = 86400


class ControlPlane:
    """One control plane, or what we know of an existing cluster.

    Attributes:
        server: URL of the API server
        kubeconfig: the admin's
        admin_token: empty if an existing cluster's kubeconfig has none
        audit_log: a JSON object a line, one a request when it is answered (a watch also when it starts: `stage`)
    """

    server: str
    admin_token: str
    ca_file: Path
    kubeconfig: Path
    audit_log: Path | None = None
    _ports: Ports

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._etcd, self._apiserver, self._controllers = (
            Process(folder, name) for name in ("etcd", "kube-apiserver", "kube-controller-manager")
        )
        self._tokens: dict[str, str] = {}

    @classmethod
    def create(cls, folder: Path, *, audit: bool = False) -> "ControlPlane":
        """A running control plane in `folder`, which is made if needed. What already runs there is ended first."""
        folder.mkdir(parents=True, exist_ok=True)
        plane = cls(folder.resolve())
        plane._prepare(audit=audit)
        plane.start()
        return plane

    @classmethod
    def existing(cls, kubeconfig: Path, folder: Path) -> "ControlPlane":
        """A cluster that somebody else runs; `folder` takes the kubeconfigs that are asked for."""
        plane = cls(folder)
        plane.kubeconfig = kubeconfig
        plane.server, plane.ca_file, plane.admin_token = read_cluster(kubeconfig, folder)
        return plane

    def start(self) -> None:
        """Start all three, what runs of them anew; returns when the API server is ready and controllers work."""
        self.stop()
        for _ in range(5):  # another program may take a port between our look and the server's
            self._choose_ports()
            self._run(self._etcd, flags.etcd(self.folder, self._ports))
            if self._bring_up_apiserver():
                self._bring_up_controllers()
                return
            failed = self._etcd if self._etcd.pid is None else self._apiserver
            self.stop()
            if "address already in use" not in failed.tail(50):
                break
        raise CannotStart(f"{failed.name} did not start. The end of {failed.log}:\n{failed.tail()}")

    def stop(self) -> None:
        """End all three, in the order in which none waits for another. No error if they do not run."""
        for process in (self._controllers, self._apiserver, self._etcd):
            process.stop()

    def stop_apiserver(self, *, at_once: bool = False) -> None:
        """An outage: the API server alone ends, data and controllers stay.

        Args:
            at_once: by SIGKILL; else it first waits some seconds for open requests
        """
        self._own()
        self._apiserver.stop(signal.SIGKILL if at_once else None)

    def start_apiserver(self) -> None:
        """The end of an outage: the same address, certificate and tokens."""
        self._own()
        if not self._bring_up_apiserver():
            raise CannotStart(f"kube-apiserver did not come back:\n{self._apiserver.tail()}")

    def kubectl(self, *arguments: str, text: str | None = None) -> str:
        """What kubectl prints, as admin; `text` is its standard input. RuntimeError in kubectl's own words."""
        return run_kubectl(self.kubeconfig, *arguments, text=text)

    def token(self, namespace: str, service_account: str) -> str:
        """A new token of a service account, for a day."""
        return self.kubectl("create", "token", service_account, f"--namespace={namespace}", f"--duration={DAY}s")

    def kubeconfig_for(self, namespace: str, service_account: str) -> Path:
        """A kubeconfig with a new token of the service account, which must exist: its rights, nothing more.

        It names the address of now, which a later start keeps if it can.
        """
        path = self.folder / f"{namespace}.{service_account}.kubeconfig"
        return write_kubeconfig(path, self.server, self.ca_file, self.token(namespace, service_account))

    def _own(self) -> None:
        if not self._tokens:
            raise CannotStart("This needs a control plane of our own: run it without KUBECONFIG_TEST.")

    def _prepare(self, *, audit: bool) -> None:
        self.folder.chmod(0o700)
        self._tokens = self._make_tokens()
        self.admin_token = self._tokens["admin"]
        self.kubeconfig = self.folder / "admin.kubeconfig"
        self.ca_file = self.folder / "certs" / "apiserver.crt"
        if not (key := self.folder / "sa.key").exists():
            write_rsa_key(new := key.with_suffix(".new"))
            new.rename(key)
        if audit:
            (self.folder / "audit-policy.json").write_text(json.dumps(AUDIT_POLICY))
            self.audit_log = self.folder / "audit.log"
            self.audit_log.touch()

    def _make_tokens(self) -> dict[str, str]:
        """Tokens of the admin and the controller-manager; the same again in the same folder."""
        kept = self.folder / "tokens.json"
        if kept.exists():
            tokens: dict[str, str] = json.loads(kept.read_text())
            return tokens
        tokens = {"admin": secrets.token_urlsafe(24), "controllers": secrets.token_urlsafe(24)}
        admin = f'{tokens["admin"]},admin,admin,"system:masters"'
        controllers = f"{tokens['controllers']},system:kube-controller-manager,kcm"
        write_private(self.folder / "tokens.csv", f"{admin}\n{controllers}\n")
        write_private(kept, json.dumps(tokens))
        return tokens

    def _choose_ports(self) -> None:
        kept = self.folder / "ports.json"
        ports = Ports(**json.loads(kept.read_text())) if kept.exists() else None
        if ports is None or not all(map(is_free, ports.all)):
            ports = Ports(etcd=free_ports(2)[0], apiserver=free_ports(1)[0])
            write_private(kept, json.dumps(asdict(ports)))
        self._ports = ports
        self.server = f"https://127.0.0.1:{ports.apiserver}"
        write_kubeconfig(self.kubeconfig, self.server, self.ca_file, self.admin_token)

    def _run(self, process: Process, arguments: list[str]) -> None:
        process.start([str(controlplane()), process.name, *arguments])

    def _bring_up_apiserver(self) -> bool:
        """Whether it is ready; false as soon as it or etcd has ended."""
        self._run(self._apiserver, flags.apiserver(self.folder, self._ports, self.audit_log))
        return self._wait("/readyz", self._etcd, self._apiserver)

    def _bring_up_controllers(self) -> None:
        path = self.folder / "controllers.kubeconfig"
        write_kubeconfig(path, self.server, self.ca_file, self._tokens["controllers"])
        self._run(self._controllers, flags.controller_manager(self.folder, path, self.ca_file))
        # The service account is made by a controller, in a namespace that the API server makes after it is ready.
        if not self._wait("/api/v1/namespaces/default/serviceaccounts/default", self._apiserver, self._controllers):
            self.stop()
            raise CannotStart(f"kube-controller-manager did not start:\n{self._controllers.tail()}")

    def _wait(self, path: str, *processes: Process) -> bool:
        """Whether the API server answers with 200 before one of the processes ends."""
        deadline = time.monotonic() + TIME_TO_START
        while all(process.pid is not None for process in processes) and time.monotonic() < deadline:
            if self._answers(path):
                return True
            time.sleep(0.05)
        return False

    def _answers(self, path: str) -> bool:
        """Only by the certificate of this folder: on a port that was taken, somebody else answers."""
        if not self.ca_file.exists():
            return False
        headers = {"Authorization": f"Bearer {self.admin_token}"}
        request = urllib.request.Request(self.server + path, headers=headers)  # noqa: S310 always https
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(self.ca_file)
            https = urllib.request.HTTPSHandler(context=context)
            with urllib.request.build_opener(https, urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False
