"""The command lines of the control plane's three programs."""

from dataclasses import dataclass
from pathlib import Path

CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "clusterrole-aggregation-controller",
)


@dataclass(frozen=True)
class Ports:
    """All on 127.0.0.1; etcd takes the one after `etcd`, too."""

    etcd: int
    apiserver: int

    @property
    def all(self) -> tuple[int, ...]:
        return (self.etcd, self.etcd + 1, self.apiserver)


def etcd(folder: Path, ports: Ports) -> list[str]:
    clients, peers = f"http://127.0.0.1:{ports.etcd}", f"http://127.0.0.1:{ports.etcd + 1}"
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",  # a crash loses nothing, only one of the machine does
        "--log-level=warn",
    ]


def apiserver(folder: Path, ports: Ports, audit_log: Path | None) -> list[str]:
    flags = [
        f"--etcd-servers=http://127.0.0.1:{ports.etcd}",
        f"--secure-port={ports.apiserver}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",  # else it needs a default route, which a machine without network lacks
        f"--cert-dir={folder / 'certs'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'sa.key'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--request-timeout=5s",  # else it waits a minute for watches when it is told to end
    ]
    if audit_log is not None:
        flags += [
            f"--audit-policy-file={folder / 'audit-policy.json'}",
            f"--audit-log-path={audit_log}",
            "--audit-log-mode=blocking",  # on disk when the request is done, not some seconds later
            "--audit-log-maxsize=10000",  # MB; never a second file
        ]
    return flags


def controller_manager(folder: Path, kubeconfig: Path, ca_file: Path) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--root-ca-file={ca_file}",
        f"--service-account-private-key-file={folder / 'sa.key'}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--secure-port=0",
        f"--controllers={','.join(CONTROLLERS)}",
    ]
