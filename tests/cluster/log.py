"""The operator's log: JSON, one line a pass."""

import json
from pathlib import Path

from tests.cluster.api import Json


def lines(log: Path, offset: int = 0) -> list[Json]:
    """All whole lines from `offset` bytes on. AssertionError where one is not JSON."""
    with log.open("rb") as file:
        file.seek(offset)
        return [json.loads(line) for line in file if line.endswith(b"\n")]


def passes(log: Path, namespace: str, name: str) -> list[Json]:
    """What was said of the passes of one Tenant."""
    who = {"kind": "Tenant", "namespace": namespace, "name": name}
    return [line for line in lines(log) if who.items() <= line.items() and line["msg"] == "reconciled"]
