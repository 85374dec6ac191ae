"""`python -m tools.demo start|stop|shell|psql`; KEEP and TENANT come from the environment, as make passes them."""

import os
import signal
import sys

import asyncpg

from tenant_manager.postgres.install import Refused
from tests.servers.errors import CannotBuild, CannotStart, ServerMissing

from . import reach
from .place import EXISTING, Place, Trouble
from .screen import Screen
from .start import start

INTERRUPTED = 130
EXPECTED = (
    Trouble,
    CannotBuild,
    CannotStart,
    ServerMissing,
    Refused,
    RuntimeError,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)


def main(command: str) -> None:
    """Carry out one command; what keeps it from its end is told in a sentence."""
    _own_environment()
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, signal.default_int_handler)
    place = Place.here()
    os.environ["KUBECACHEDIR"] = str(place.folder / "kubectl")
    try:
        COMMANDS[command](place)
    except EXPECTED as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("Interrupted; what was started is ended.", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _start(place: Place) -> None:
    keep = os.environ.get("KEEP", "1") != "0"
    place.make()
    with place.alone():
        if not place.missing():
            _say_that_it_runs(place, keep=keep)
            return
        if alive := place.end():
            print(f"Of the last demo only {', '.join(alive)} ran; all of it is started again.")
        _bring_up(place, keep=keep)
        if not keep:
            print(f"Ended: {', '.join(place.end())}.")


def _bring_up(place: Place, *, keep: bool) -> None:
    """Start all of it, or leave nothing that runs."""
    again = place.postgres.exists()
    try:
        with Screen() as screen:
            start(place, screen)
            if keep:
                screen.show("Try next", reach.next_steps(place))
    except BaseException as error:
        place.end()
        if again and isinstance(error, EXPECTED):
            hint = (
                f"If something that was tried in the last demo is in the way, `rm -rf {place.folder}` makes a new one."
            )
            raise Trouble(f"{error}\n{hint}") from error
        raise


def _say_that_it_runs(place: Place, *, keep: bool) -> None:
    if not keep:
        raise Trouble("The demo runs already, and KEEP=0 would end it: `make demo-stop` first.")
    print("The demo runs already.")
    with Screen() as screen:
        screen.show("Try next", reach.next_steps(place))


def _stop(place: Place) -> None:
    interrupted, ended = False, []
    if place.folder.exists():
        interrupted = place.interrupt()
        with place.alone():
            ended = place.end()
    if ended:
        print(f"Ended: {', '.join(ended)}.")
        if place.is_elsewhere():
            print(f"What it made in the cluster of {EXISTING} stays there.")
    else:
        print("The start of the demo was interrupted." if interrupted else "No demo runs.")


def _shell(place: Place) -> None:
    reach.shell(place)


def _psql(place: Place) -> None:
    reach.psql(place, os.environ.get("TENANT", ""))


COMMANDS = {"start": _start, "stop": _stop, "shell": _shell, "psql": _psql}


def _own_environment() -> None:
    """Nothing of another PostgreSQL or operator that the person works with; and no proxy between parts of the demo."""
    for name in list(os.environ):
        if name.startswith(("PG", "TENANT_")) or name in {"DATABASE_URL", "KUBECONFIG"}:
            del os.environ[name]
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name, ""), "127.0.0.1"]))


if __name__ == "__main__":
    main(sys.argv[1])
