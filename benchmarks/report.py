"""The figures of a benchmark: as text for people, as JSON for programs."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.counts import Counted
from benchmarks.rounds import Round
from benchmarks.scan import Scanned

MEGABYTE = 1 << 20
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Result:
    """All that was measured. Rounds of the same place belong together."""

    count: int
    postgres: int
    cores: int
    check: bool  # the floor looks at the Secret by a dry run, as the operator does
    floor: Sequence[Round]
    operator: Sequence[Round]
    counted: Counted
    scanned: Scanned

    @property
    def time_ratios(self) -> list[float]:
        """Operator/floor, round by round."""
        pairs = zip(self.operator, self.floor, strict=True)
        return [mine.arrival.total / least.arrival.total for mine, least in pairs]

    @property
    def cpu_ratios(self) -> list[float]:
        """The same of CPU over all parts."""
        pairs = zip(self.operator, self.floor, strict=True)
        return [mine.all_cpu / least.all_cpu for mine, least in pairs]

    @property
    def time_ratio(self) -> float:
        """The median, which counts."""
        return statistics.median(self.time_ratios)

    @property
    def cpu_ratio(self) -> float:
        """The median."""
        return statistics.median(self.cpu_ratios)

    def percentile(self, rounds: Sequence[Round], percent: int) -> float:
        """Of apply-to-Ready over all rounds together, in seconds."""
        waits = sorted(wait for one in rounds for wait in one.arrival.waits)
        return waits[min(len(waits) - 1, len(waits) * percent // 100)]

    def cpu(self, rounds: Sequence[Round]) -> dict[str, float]:
        """Median CPU of each part, in milliseconds a Tenant."""
        per_tenant = 1000 / self.count
        return {part: statistics.median(one.cpu[part] for one in rounds) * per_tenant for part in rounds[0].cpu}

    @property
    def rss(self) -> float:
        """The operator's resident memory after its rounds, at most, in MiB."""
        return max(one.rss for one in self.operator) / MEGABYTE


def as_json(result: Result) -> dict[str, Any]:
    """Everything."""
    sides = {"floor": result.floor, "operator": result.operator}
    return {
        "tenants": result.count,
        "postgres": result.postgres,
        "cores": result.cores,
        "floor_checks_secret": result.check,
        "time_ratio": result.time_ratio,
        "cpu_ratio": result.cpu_ratio,
        "time_ratios": result.time_ratios,
        "cpu_ratios": result.cpu_ratios,
        "rounds": {name: [_round(one) for one in rounds] for name, rounds in sides.items()},
        "apply_to_ready_seconds": {
            name: {f"p{percent}": result.percentile(rounds, percent) for percent in PERCENTILES}
            for name, rounds in sides.items()
        },
        "cpu_ms_a_tenant": {name: result.cpu(rounds) for name, rounds in sides.items()},
        "operator_rss_mib": result.rss,
        "statements": result.counted.statements,
        "requests": result.counted.requests,
        "scan": {
            "seconds": result.scanned.seconds,
            "tenants": result.scanned.tenants,
            "statements": result.scanned.statements,
        },
    }


def _round(one: Round) -> dict[str, Any]:
    return {
        "seconds": one.arrival.total,
        "applied_seconds": one.arrival.applied,
        "cpu_seconds": dict(one.cpu),
        "others_share": one.strangers,
        "rss_mib": one.rss / MEGABYTE,
    }


def as_text(result: Result) -> str:
    """For people."""
    return "\n".join((*_times(result), "", *_waits(result), "", *_cpu(result), "", *_rest(result)))


def _times(result: Result) -> list[str]:
    check = "looks at the Secret by a dry run, as the operator does" if result.check else "does not look at the Secret"
    lines = [
        f"{result.count} Tenants, PostgreSQL {result.postgres}, {result.cores} cores; the floor {check}",
        "",
        f"{'until all are Ready':<22}{'floor':>10}{'operator':>10}{'ratio':>8}   CPU ratio   others' CPU",
    ]
    rounds = zip(result.floor, result.operator, result.time_ratios, result.cpu_ratios, strict=True)
    for number, (least, mine, time, cpu) in enumerate(rounds, 1):
        times = f"{least.arrival.total:>8.2f} s{mine.arrival.total:>8.2f} s{time:>8.2f}"
        lines.append(f"{f'round {number}':<22}{times}{cpu:>12.2f}   {least.strangers:.0%}, {mine.strangers:.0%}")
    lines.append(f"{'median ratio':<42}{result.time_ratio:>8.2f}{result.cpu_ratio:>12.2f}")
    return lines


def _waits(result: Result) -> list[str]:
    lines = [f"{'apply to Ready':<22}{'floor':>10}{'operator':>10}"]
    for percent in PERCENTILES:
        floor, mine = (result.percentile(rounds, percent) for rounds in (result.floor, result.operator))
        lines.append(f"{f'p{percent}':<22}{floor:>8.2f} s{mine:>8.2f} s")
    return lines


def _cpu(result: Result) -> list[str]:
    floor, mine = result.cpu(result.floor), result.cpu(result.operator)
    lines = [f"{'CPU a Tenant':<22}{'floor':>10}{'operator':>10}"]
    for part in floor:
        name = "floor/operator" if part == "worker" else part
        lines.append(f"{name:<22}{floor[part]:>7.1f} ms{mine[part]:>7.1f} ms")
    lines.append(f"{'all':<22}{sum(floor.values()):>7.1f} ms{sum(mine.values()):>7.1f} ms")
    return lines


def _rest(result: Result) -> list[str]:
    counted, scanned, count = result.counted, result.scanned, result.count
    scans, took = sum(scanned.statements.values()), scanned.seconds * 1000
    return [
        f"API writes a Tenant: {counted.writes / count:.2f} and {counted.events / count:.2f} Events",
        f"  {_each(counted.requests)}",
        f"SQL statements a Tenant: {sum(counted.statements.values()) / count:.2f}",
        f"  {_each(counted.statements)}",
        f"a scan of {scanned.tenants} Tenants: {took:.0f} ms, {scans} statements",
        f"  {_each(scanned.statements)}",
        f"operator's memory after {count} Tenants: {result.rss:.0f} MiB",
    ]


def _each(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in numbers.items())
