"""One program that runs in the background: its log, its pid file, and its end.

The pid file outlives us, so that a later run can end what a killed one left behind.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from .account import OURSELVES, Account

# What we started and have not reaped, by pid file: the object that started it may be gone before the program.
_children: dict[Path, subprocess.Popen[bytes]] = {}


class Process:
    """A named program of a server's folder: `<name>.log` and `<name>.pid` lie there."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._file = folder / f"{name}.pid"

    def start(
        self,
        command: Sequence[str],
        account: Account = OURSELVES,
        *,
        environment: Mapping[str, str] | None = None,
        gently: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only us and we choose the order of ending.

        Args:
            command: the program's full path and its arguments
            account: whom it runs as
            environment: added to ours
            gently: the signal that asks it to end
        """
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                [*account.prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
                **account.switch(),
            )
        _children[self._file] = child
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({"pid": child.pid, "command": list(command), "gently": gently}))
        new.rename(self._file)
        # For a moment after exec a command line is still empty, and whoever looked then would take it for dead.
        deadline = time.monotonic() + 1.0
        while child.poll() is None and self._running() is None and time.monotonic() < deadline:
            time.sleep(0.001)

    @property
    def pid(self) -> int | None:
        """None if it does not run."""
        running = self._running()
        return None if running is None else running.pid

    def stop(self, sign: signal.Signals | None = None, *, patience: float = 10.0) -> None:
        """End it: ask, by default in the way that `start` named, wait, then SIGKILL. No error if it does not run."""
        if (running := self._running()) is not None:
            with suppress(psutil.NoSuchProcess):
                running.send_signal(sign or json.loads(self._file.read_text())["gently"])
                if not self._ends_within(patience):
                    running.kill()
                    self._ends_within(10.0)
        self._forget()

    def tail(self, lines: int = 8) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _ends_within(self, seconds: float) -> bool:
        """Whether it ends; a dead process that its parent has not reaped yet, or never will, has ended."""
        deadline = time.monotonic() + seconds
        while (alive := self._running() is not None) and time.monotonic() < deadline:
            time.sleep(0.01)
        return not alive

    def _running(self) -> psutil.Process | None:
        """The process of the pid file, if that number is still ours: with the command line that we gave."""
        try:
            noted = json.loads(self._file.read_text())
            process = psutil.Process(noted["pid"])
            if (child := _children.get(self._file)) is not None and child.pid == process.pid:
                return process if child.poll() is None else None  # its command line is empty for a moment at first
            arguments = process.cmdline()
            alive = process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        except (OSError, ValueError, psutil.Error):
            return None
        command = noted["command"]
        # Between fork and exec of `account.prefix` the command is the tail of what runs.
        return process if alive and arguments[-len(command) :] == command else None

    def _forget(self) -> None:
        if (child := _children.pop(self._file, None)) is not None:
            child.wait(10.0)
        self._file.unlink(missing_ok=True)
