"""How long N Tenants take from apply to Ready, against a floor script: `python -m benchmarks.create [N]`."""

import argparse
import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import admin, counts, report, scan
from benchmarks.admin import Admin
from benchmarks.contenders import Contender, Floor, Operator
from benchmarks.counts import Counted, Tail
from benchmarks.place import Place, open_place
from benchmarks.report import Result
from benchmarks.rounds import Round, begin, compare, finish, play
from benchmarks.scan import Scanned
from tests.servers.leftovers import temporary_folder

WARM_UP = 20  # Tenants


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure."""

    count: int
    rounds: int
    postgres: int
    check: bool


def main() -> int:
    """The exit code: 1 if the ratio is above the bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.create", description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100, metavar="N", help="Tenants (default: 100)")
    parser.add_argument("--rounds", type=int, default=3, help="of the floor and of the operator each (default: 3)")
    parser.add_argument("--postgres", type=int, choices=(16, 17, 18), default=18, help="17 is used with TLS")
    parser.add_argument("--strict", action="store_true", help="a floor that does not look whose the Secret is")
    parser.add_argument("--bar", type=float, metavar="RATIO", help="exit with 1 if the ratio is above")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    given = parser.parse_args()
    with temporary_folder() as folder:
        result = run(folder, Options(given.count, given.rounds, given.postgres, check=not given.strict))
    print(json.dumps(report.as_json(result), indent=2) if given.json else report.as_text(result))
    return 1 if given.bar is not None and result.time_ratio > given.bar else 0


def run(folder: Path, options: Options) -> Result:
    """All of it, on servers of its own in `folder`."""
    place = open_place(folder, options.postgres)
    floor, operator = asyncio.run(_rounds(place, options))
    counted, scanned = asyncio.run(_counts(place.audited(), options.count))
    cores = os.cpu_count() or 1
    return Result(options.count, options.postgres, cores, options.check, floor, operator, counted, scanned)


async def _rounds(place: Place, options: Options) -> tuple[list[Round], list[Round]]:
    """Floor and operator in turn, after a small round of each that does not count."""
    played: dict[str, list[Round]] = {"floor": [], "operator": []}
    number = 0
    async with admin.connect(place.control_plane) as api:
        for turn in range(options.rounds + 1):
            texts = []
            contenders: dict[str, Contender] = {"floor": Floor(place, check=options.check), "operator": Operator(place)}
            for name, who in contenders.items():
                number += 1
                count = options.count if turn else min(WARM_UP, options.count)
                one, written = await _one(place, api, who, f"bench{number:02}", count)
                texts.append(written)
                if turn:
                    played[name].append(one)
                    _say(f"round {turn}, {name}: {one.arrival.total:.2f} s")
            compare(*texts)
    return played["floor"], played["operator"]


async def _one(place: Place, api: Admin, who: Contender, namespace: str, count: int) -> tuple[Round, list[str]]:
    try:
        await begin(api, who, namespace)
        one = await play(place, api, who, namespace, count)
        return one, await finish(place, api, who, namespace)
    except BaseException:
        _say(f"the end of {who.log.name}:\n{who.log.read_text()[-2000:]}" if who.log.exists() else "it has no log")
        raise


async def _counts(place: Place, count: int) -> tuple[Counted, Scanned]:
    """A round of the operator that is not timed, with all logs on; and the scan over its Tenants."""
    namespace, who = "bench00", Operator(place)
    async with admin.connect(place.control_plane) as api:
        await begin(api, who, namespace)
        audit = Tail(Path(str(place.control_plane.audit_log)))
        with counts.every_statement(place) as log:
            await play(place, api, who, namespace, count)
            counted = Counted(counts.statements(log.text()), counts.requests(audit.text()))
        who.stop()
        scanned = await scan.measure(place)
        await finish(place, api, who, namespace)
    return counted, scanned


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
