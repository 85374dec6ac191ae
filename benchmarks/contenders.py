"""Who does the work: the operator, or the floor script in its place. One process each, never both at a time."""

import sys
import time
from pathlib import Path
from typing import Protocol

from benchmarks.place import CLUSTER, ROOT, Place
from tests.servers.errors import CannotStart
from tests.servers.operator import OperatorProcess
from tests.servers.process import Process

TIME_TO_START = 60.0  # seconds


class Contender(Protocol):
    """A process that makes Tenants."""

    def start(self) -> None:
        """Returns when it can take Tenants."""

    def stop(self) -> None:
        """End it."""

    @property
    def pid(self) -> int | None:
        """None if it does not run."""

    @property
    def log(self) -> Path:
        """Where its lines go."""


class Floor:
    """The floor script. Its process is called as the operator's, so that it is ended as that one is."""

    def __init__(self, place: Place, *, check: bool) -> None:
        self._process = Process(folder := place.folder / "floor", "operator")
        folder.mkdir(exist_ok=True)
        self._settings = {
            "DATABASE_URL": place.url,
            "KUBECONFIG": str(place.kubeconfig),
            "FLOOR_CHECK": "1" if check else "0",
            "PYTHONPATH": str(ROOT),
        }

    def start(self) -> None:
        self._process.log.unlink(missing_ok=True)
        self._process.start([sys.executable, "-m", "benchmarks.floor"], environment=self._settings)
        deadline = time.monotonic() + TIME_TO_START
        while "ready" not in self._process.tail():
            if self.pid is None or time.monotonic() > deadline:
                raise CannotStart(f"the floor is not ready:\n{self._process.tail(30)}")
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.stop()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._process.log


class Operator:
    """The operator with its default settings."""

    def __init__(self, place: Place) -> None:
        self._process = OperatorProcess(place.folder / "operator", place.kubeconfig, place.url, CLUSTER_NAME=CLUSTER)

    def start(self) -> None:
        self._process.start()

    def stop(self) -> None:
        self._process.stop()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._process.log
