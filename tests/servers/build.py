"""Builds the control plane (kube-apiserver, kube-controller-manager, etcd) from Go modules, once per machine.

About 6 minutes on 2 cores, 120 MB in the end. Everything lies in the cache folder: the result under a name made from
the recipe, so that a changed recipe is built anew; Go itself, modules and compiled packages only while they are needed.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import CannotBuild
from .go import KUBERNETES, LDFLAGS, Go, install_go

ROOT = Path(__file__).resolve().parents[2]
SPACE = 5_000_000_000  # bytes that a build takes at its peak
PREPARED = 0.05  # the share of the time after which compiling begins

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Recipe:
    """What the binary is made of."""

    source: Path = ROOT / "tools" / "controlplane"
    go: Path = ROOT / "requirements" / "go.txt"

    def key(self) -> str:
        """Another one as soon as anything differs that shows in the binary."""
        parts = [(self.source / name).read_bytes() for name in ("main.go", "go.mod", "go.sum")]
        parts += [part.encode() for part in (LDFLAGS, sys.platform, platform.machine())]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def cache_folder() -> Path:
    """`tenant-manager` in XDG_CACHE_HOME, by default in ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "tenant-manager"


def built(recipe: Recipe = Recipe()) -> Path | None:
    """The binary, if it is there."""
    binary = _binary(cache_folder(), recipe)
    return binary if binary.exists() else None


def build(progress: Progress, recipe: Recipe = Recipe(), install: Callable[[Path, Path], Path] = install_go) -> Path:
    """The binary; built now if it is not there. Others may build at the same time, and each may be killed.

    Raises:
        CannotBuild: with a message for the person who waits for it
    """
    cache = cache_folder()
    binary = _binary(cache, recipe)
    if not binary.exists():
        try:
            with _alone(cache, progress) as lock:
                if not binary.exists():  # built by the one for whom we waited
                    _build(binary, recipe, install, lock, progress)
        except OSError as error:
            raise CannotBuild(
                f"The control plane cannot be built in the folder {cache}: {error.strerror or error}. "
                "Make it writable, or set XDG_CACHE_HOME to a folder that is."
            ) from error
    return binary


def _binary(cache: Path, recipe: Recipe) -> Path:
    return cache / f"controlplane-{recipe.key()}" / "controlplane"


@contextmanager
def _alone(cache: Path, progress: Progress) -> Iterator[int]:
    """Hold the lock of the cache folder; it ends with the last process that has the descriptor."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(0.0, "somebody else builds the control plane at this moment; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _build(binary: Path, recipe: Recipe, install: Callable[[Path, Path], Path], lock: int, progress: Progress) -> None:
    folder = binary.parents[1] / "build"
    folder.mkdir(exist_ok=True)
    _demand_space(folder)
    progress(0.0, "fetching Go")
    go = Go(install(recipe.go, folder / "go"), folder, recipe.source, lock)
    progress(0.02, f"fetching the modules of Kubernetes {KUBERNETES}")
    total = max(go.packages_to_compile(), 1)
    for number, package in enumerate(go.compile(folder / "controlplane"), 1):
        share = min(number / total, 1.0)
        progress(PREPARED + (0.99 - PREPARED) * share, f"compiling {number} of {total}: {package}")
    binary.parent.mkdir(exist_ok=True)
    (folder / "controlplane").rename(binary)
    progress(1.0, f"built {binary}")
    shutil.rmtree(folder, ignore_errors=True)


def _demand_space(folder: Path) -> None:
    """What an interrupted build left is in the count: it is used again."""
    kept = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    free = shutil.disk_usage(folder).free
    if free + kept < SPACE:
        raise CannotBuild(
            f"Building the control plane takes {(SPACE - kept) / 1e9:.1f} GB of disk space for some minutes, and the "
            f"disk of {folder} has {free / 1e9:.1f} GB left. Free some, or set XDG_CACHE_HOME to a folder on another."
        )


class Printed:
    """Progress as lines of text: one for each new text of the beginning, then one for every 5 %."""

    def __init__(self) -> None:
        self._said: float | str = ""

    def __call__(self, fraction: float, text: str) -> None:
        step: float | str = int(fraction * 20) if fraction > PREPARED else text
        if step != self._said:
            self._said = step
            print(f"control plane: {fraction:4.0%}  {text}", flush=True)  # noqa: T201 for the one who waits
