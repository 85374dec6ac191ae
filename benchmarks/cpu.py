"""CPU time of the parts: each a process with all its children, those that have ended included."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from benchmarks.place import Place
from tests.servers.process import Process

LITTLE = 0.15  # of the machine
SERVERS = ("kube-apiserver", "etcd", "kube-controller-manager")


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU seconds so far: by part, of this process, and of the whole machine."""

    parts: Mapping[str, float]
    ourselves: float
    machine: float

    def since(self, before: "Sample") -> "Sample":
        """What was used between the two."""
        parts = {name: seconds - before.parts[name] for name, seconds in self.parts.items()}
        return Sample(parts, self.ourselves - before.ourselves, self.machine - before.machine)

    @property
    def strangers(self) -> float:
        """What others on this machine used; below 0 where the machine's own numbers are coarser."""
        return max(0.0, self.machine - self.ourselves - sum(self.parts.values()))


def sample(place: Place, worker: int) -> Sample:
    """CPU times of now; `worker` is the process id of the operator or of the floor."""
    plane = place.control_plane.folder
    pids = {"worker": worker, "postgres": _pid(Process(place.postgres.folder, "postgres"))}
    pids |= {name: _pid(Process(plane, name)) for name in SERVERS}
    return Sample({name: _of_tree(pid) for name, pid in pids.items()}, _of_tree(psutil.Process().pid), _busy())


def _pid(process: Process) -> int:
    if (pid := process.pid) is None:
        raise RuntimeError(f"{process.name} does not run:\n{process.tail()}")
    return pid


def _of_tree(pid: int) -> float:
    """A process counts the children that it has waited for; those that live are counted one by one."""
    root = psutil.Process(pid)
    ours = pid == psutil.Process().pid  # whose living children are the other parts
    total = 0.0
    for process in [root] if ours else [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
            total += 0.0 if ours else times.children_user + times.children_system
    return total


async def quiet(patience: float) -> None:
    """Wait for a second in which the machine has little to do, but no longer than `patience` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = _busy()
        await asyncio.sleep(1.0)
        if _busy() - before < LITTLE * (psutil.cpu_count() or 1):
            return


def _busy() -> float:
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - times.guest - times.guest_nice
