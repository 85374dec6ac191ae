"""As whom PostgreSQL runs: it refuses root."""

import os
import pwd
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from .errors import CannotStart


class Switch(TypedDict, total=False):
    """Arguments of subprocess that change the user."""

    user: int
    group: int
    extra_groups: list[int]
    cwd: str


@dataclass(frozen=True)
class Account:
    """Whom a program runs as: ourselves, another user, or root that looks like another user (through `prefix`)."""

    user: int | None = None
    group: int | None = None
    prefix: tuple[str, ...] = ()

    def switch(self) -> Switch:
        if self.user is None or self.group is None:
            return {"cwd": "/"}
        return {"user": self.user, "group": self.group, "extra_groups": [], "cwd": "/"}

    def give(self, *paths: Path) -> None:
        """Make that user the owner."""
        if self.user is not None and self.group is not None:
            for path in paths:
                os.chown(path, self.user, self.group)


OURSELVES = Account()


def no_root(programs: Path, folder: Path) -> Account:
    """Who may start PostgreSQL from `programs` with its data in `folder`.

    Raises:
        CannotStart: we are root, and there is no way to run it as somebody else.
    """
    if os.geteuid() != 0:
        return OURSELVES
    name, user, group = _somebody()
    if reachable(programs / "postgres", folder):
        return Account(user, group)
    # Below a folder that only root may enter, it keeps root's rights on files, and is root no more in its own eyes.
    prefix = ("unshare", "--user", f"--map-user={user}", f"--map-group={group}")
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotStart(
            f"PostgreSQL does not run as root, and the user {name} cannot enter a folder above {programs} or {folder}. "
            "Move the project to a folder that everybody may enter, or run the command as an ordinary user."
        ) from error
    return Account(prefix=prefix)


def reachable(program: Path, folder: Path) -> bool:
    """Whether everybody can run `program` and enter the folder above `folder`."""
    return _open_to_all(program.parents, 0o1) and _open_to_all([program], 0o5) and _open_to_all(folder.parents, 0o1)


def _open_to_all(paths: Iterable[Path], bits: int) -> bool:
    return all(path.stat().st_mode & bits == bits for path in paths)


def _somebody() -> tuple[str, int, int]:
    """A user without rights that the system knows by name: initdb asks for it."""
    for name in ("postgres", "nobody", "daemon"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return name, entry.pw_uid, entry.pw_gid
    raise CannotStart("PostgreSQL does not run as root, and this system has neither a user postgres nor nobody.")
