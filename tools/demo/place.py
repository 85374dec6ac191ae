"""The folder of the demo: what lies where, what runs, and that one command at a time works in it."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers.kubeconfig import write_private
from tests.servers.leftovers import ORDER, end_all
from tests.servers.process import Process

ROOT = Path(__file__).resolve().parents[2]
DBNAME = "app"
FOLDERS = {"operator": "operator", "postgres": "postgres"}  # all others are the control plane's
EXISTING = "KUBECONFIG_TEST"  # names the kubeconfig of a cluster to take instead of our own
PATIENCE = 60.0  # seconds that another command gets to end its servers


class Trouble(Exception):
    """Why the command cannot go on, as a sentence for the person who gave it."""


@dataclass(frozen=True)
class Place:
    """Everything of one demo is in `folder`; data stays there when it is ended."""

    folder: Path

    @classmethod
    def here(cls) -> "Place":
        """`.demo` in the checkout; DEMO_FOLDER names another, which the tests use."""
        return cls(Path(os.environ.get("DEMO_FOLDER") or ROOT / ".demo").resolve())

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def controlplane(self) -> Path:
        return self.folder / "controlplane"

    @property
    def operator(self) -> Path:
        return self.folder / "operator"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return Path(self._noted()["kubeconfig"])

    @property
    def pgpass(self) -> Path:
        """The superuser's password in libpq's form, so that none is in an environment or on a command line."""
        return self.folder / "pgpass"

    @property
    def postgres_port(self) -> int:
        return int((self.postgres / "port").read_text())

    def make(self) -> None:
        """PostgreSQL's user has to get through, whatever our umask says; what is secret is closed by itself.

        Raises:
            Trouble: we may not write there.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o711)
        except OSError as error:
            raise Trouble(
                f"The folder {self.folder} cannot be used: {error.strerror}. Remove it if another user made it, or "
                "name another in DEMO_FOLDER."
            ) from error

    def running(self) -> list[str]:
        """Names of our programs, as far as they run."""
        return [process.name for process in self._processes() if process.pid is not None]

    def missing(self) -> list[str]:
        """Names of those that do not run and should."""
        running = self.running()
        return [name for name in (FOLDERS if self.is_elsewhere() else ORDER) if name not in running]

    def is_elsewhere(self) -> bool:
        """Whether the demo's objects are in a cluster that somebody else runs."""
        return self._note.exists() and not self.kubeconfig.is_relative_to(self.folder)

    def note(self, kubeconfig: Path, operator_url: str) -> None:
        """Remember what other commands need to know of the demo that runs."""
        write_private(self._note, json.dumps({"kubeconfig": str(kubeconfig), "operator": operator_url}))

    @property
    def operator_url(self) -> str:
        """Of its probes and metrics."""
        return self._noted()["operator"]

    def end(self) -> list[str]:
        """End all programs; the names of those that ran. Ctrl-C does not keep it from its end."""
        ended = self.running()
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            end_all(self.folder)
        finally:
            signal.signal(signal.SIGINT, before)
        return ended

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder against other commands that start or end the demo.

        Raises:
            Trouble: one is at work.
        """
        with self._lock.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Trouble(
                    "Another `make demo` is at work here; wait for it, or end it with `make demo-stop`."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def interrupt(self) -> bool:
        """End a `make demo` that is at work, as Ctrl-C would; whether there was one.

        Raises:
            Trouble: it does not end.
        """
        deadline = time.monotonic() + PATIENCE
        found = False
        while (holder := self._holder()) is not None:
            if not found:
                with suppress(ProcessLookupError, ValueError):
                    os.kill(int(holder), signal.SIGTERM)
            found = True
            if time.monotonic() > deadline:
                raise Trouble(f"The process {holder} is at work in {self.folder} and does not end.")
            time.sleep(0.1)
        return found

    def _holder(self) -> str | None:
        """The process that holds the folder."""
        with self._lock.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                return lock.read()
        return None

    def _noted(self) -> dict[str, str]:
        noted: dict[str, str] = json.loads(self._note.read_text())
        return noted

    def _processes(self) -> list[Process]:
        return [Process(self.folder / FOLDERS.get(name, "controlplane"), name) for name in ORDER]

    @property
    def _lock(self) -> Path:
        return self.folder / "at-work"

    @property
    def _note(self) -> Path:
        return self.folder / "demo.json"
