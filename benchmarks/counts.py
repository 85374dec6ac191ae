"""What a round asked of the servers: SQL statements from PostgreSQL's log, API requests from the audit log."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.place import USER, Place

STATEMENT = re.compile(r"^tenancy_operator\|LOG:  (?:execute [^:]*|statement): (.*(?:\n\t.*)*)", re.MULTILINE)
FUNCTION = re.compile(r"\s*SELECT (?:.* FROM )?(tenancy\.\w+)\(")
OBSERVE = "tenancy.registry"
READS = {"get", "list", "watch"}


class Tail:
    """What is written to a file from now on."""

    def __init__(self, path: Path) -> None:
        self._path, self._from = path, path.stat().st_size

    def text(self) -> str:
        """All of it."""
        with self._path.open("rb") as file:
            file.seek(self._from)
            return file.read().decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Counted:
    """Statements and requests by kind, over all Tenants of the round."""

    statements: dict[str, int]
    requests: dict[str, int]

    @property
    def writes(self) -> int:
        """Requests that store something; Events count for themselves."""
        return sum(number for kind, number in self.requests.items() if _is_write(kind)) - self.events

    @property
    def events(self) -> int:
        """Events sent."""
        return self.requests.get("create events", 0)


def _is_write(kind: str) -> bool:
    return kind.partition(" ")[0] not in READS and "dry run" not in kind


@contextmanager
def every_statement(place: Place) -> Iterator[Tail]:
    """Have PostgreSQL log every statement meanwhile."""
    place.postgres.sql("ALTER SYSTEM SET log_statement = 'all'")
    place.postgres.reload()
    try:
        yield Tail(place.postgres.log)
    finally:
        place.postgres.sql("ALTER SYSTEM RESET log_statement")
        place.postgres.reload()


def statements(text: str) -> dict[str, int]:
    """The operator's statements in a log, by the kernel function that they call, else by their first words."""
    return dict(Counter(map(_kind, STATEMENT.findall(text))).most_common())


def requests(text: str) -> dict[str, int]:
    """The operator's requests in an audit log."""
    entries = [json.loads(line) for line in text.splitlines()]
    ours = [one for one in entries if one["user"]["username"] == USER and one["stage"] == "ResponseComplete"]
    return dict(Counter(map(_request, ours)).most_common())


def _kind(statement: str) -> str:
    if function := FUNCTION.match(statement):
        return function[1]
    return "observe" if OBSERVE in statement else " ".join(statement.split()[:3])


def _request(entry: dict[str, Any]) -> str:
    if (thing := entry.get("objectRef")) is None:  # discovery
        return f"{entry['verb']} {entry['requestURI'].partition('?')[0]}"
    resource = "/".join(part for part in (thing["resource"], thing.get("subresource")) if part)
    dry = " (dry run)" if "dryRun=All" in entry["requestURI"] else ""
    return f"{entry['verb']} {resource}{dry}"
