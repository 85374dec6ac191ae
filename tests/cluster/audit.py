"""The API server's audit log: who asked for what, and how it was answered."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.cluster.api import AGENT, Json
from tests.servers.operator import ACCOUNT, NAMESPACE

OPERATOR = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


@dataclass(frozen=True)
class Asked:
    """A request of the operator."""

    verb: str
    resource: str  # with its subresource
    namespace: str
    name: str
    code: int
    dry_run: bool
    refused_by_rbac: bool  # not by admission, which answers with 403, too

    @property
    def stored(self) -> bool:
        """Whether it was a write that counts."""
        return self.verb in WRITES and not self.dry_run and self.code < 400


class Audit:
    """Reads on where it stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._asked: list[Asked] = []

    def mark(self) -> int:
        """Where the log ends now, for `since`."""
        self._read()
        return len(self._asked)

    def since(self, mark: int = 0, which: Callable[[Asked], bool] = lambda _: True) -> list[Asked]:
        """What the operator asked since then; requests that tests send with its token are left out."""
        self._read()
        return [asked for asked in self._asked[mark:] if which(asked)]

    def _read(self) -> None:
        with self._path.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._asked += _parsed(line)


def _parsed(line: bytes) -> Iterator[Asked]:
    if OPERATOR.encode() not in line:
        return
    entry: Json = json.loads(line)
    if entry["user"]["username"] != OPERATOR or entry.get("userAgent") == AGENT or "objectRef" not in entry:
        return
    about, answered = entry["objectRef"], entry.get("responseStatus", {})
    resource = "/".join(filter(None, [about["resource"], about.get("subresource")]))
    yield Asked(
        verb=entry["verb"],
        resource=resource,
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        code=answered.get("code", 0),
        dry_run="dryRun" in parse_qs(urlsplit(entry["requestURI"]).query),
        refused_by_rbac=entry.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid",
    )
