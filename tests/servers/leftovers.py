"""No server outlives the one who needs it, not even when that one was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .process import Process

PREFIX = "tenant-manager-"
# In this order none waits for another: the API server ends late while the controller-manager is connected, and never
# without etcd.
ORDER = ("operator", "kube-controller-manager", "kube-apiserver", "etcd", "postgres")


def end_all(folder: Path) -> None:
    """End what was started in `folder` or in a folder of it, by whomever."""
    for name in ORDER:
        for pattern in (f"{name}.pid", f"*/{name}.pid"):
            for pid_file in folder.glob(pattern):
                Process(pid_file.parent, name).stop()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for servers; in the end they are ended and it is removed. So is what killed runs have left."""
    place = Path(tempfile.gettempdir())
    _end_abandoned(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    folder.chmod(0o711)  # PostgreSQL's user has to get through
    with (folder / "lock.new").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # held as long as we live
        (folder / "lock.new").rename(folder / "lock")
        try:
            yield folder
        finally:
            end_all(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _end_abandoned(place: Path) -> None:
    for lock in place.glob(f"{PREFIX}*/lock"):
        folder = lock.parent
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            continue
        with lock.open() as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            end_all(folder)
            shutil.rmtree(folder, ignore_errors=True)
