"""The operator as a process of its own, with its own service account, as the Deployment of manifests/ would run it."""

import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from .controlplane import ControlPlane
from .errors import CannotStart
from .ports import free_ports
from .process import Process

ROOT = Path(__file__).parents[2]
NAMESPACE = "tenancy-system"
ACCOUNT = "tenant-manager"
TIME_TO_START = 60.0  # seconds


def install(control_plane: ControlPlane) -> None:
    """Everything in manifests/, CRDs included. No pod comes of the Deployment: there is no node."""
    control_plane.kubectl("apply", "--server-side", "-k", str(ROOT / "manifests"))
    for kind in ("tenants", "plans"):
        control_plane.kubectl("wait", "--for=condition=Established", f"crd/{kind}.tenancy.neostack.io", "--timeout=30s")


class OperatorProcess:
    """`tenant-manager run` on this machine.

    Attributes:
        url: of its probes and metrics
        log: where its lines go
    """

    def __init__(self, folder: Path, kubeconfig: Path, database_url: str, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._process = Process(folder, "operator")
        self._settings = {
            "DATABASE_URL": database_url,
            "CLUSTER_NAME": "test",
            "KUBECONFIG": str(kubeconfig),
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(port),
            **settings,
        }

    @property
    def log(self) -> Path:
        return self._process.log

    @property
    def pid(self) -> int | None:
        """None if it does not run."""
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it; with `wait` until /readyz says so.

        Raises:
            CannotStart: with the end of its log.
        """
        self._process.start([sys.executable, "-m", "tenant_manager", "run"], environment=self._settings)
        deadline = time.monotonic() + TIME_TO_START
        while wait and not self.is_ready():
            if self.pid is None or time.monotonic() > deadline:
                raise CannotStart(f"the operator is not ready:\n{self._process.tail(30)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """As Kubernetes does it: SIGTERM, then SIGKILL."""
        self._process.stop(patience=30.0)

    def kill(self) -> None:
        """A crash."""
        self._process.stop(signal.SIGKILL)

    def is_ready(self) -> bool:
        return self.get("/readyz")[0] == 200

    def get(self, path: str) -> tuple[int, str]:
        """What its HTTP server answers: status and body; status 0 where nothing answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:  # noqa: S310  # our own address
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""
