"""Ages, sizes and tables as kubectl shows them, and text from elsewhere that must not steer the terminal."""

from collections.abc import Sequence
from typing import Final

from rich.filesize import decimal

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86_400, 365 * 86_400  # seconds
UNITS: Final = (("y", YEAR), ("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", 1))

# Below so many seconds: the unit, and whether the next smaller one is shown as well.
STEPS: Final = (
    (2 * MINUTE, "s", False),
    (10 * MINUTE, "m", True),
    (3 * HOUR, "m", False),
    (8 * HOUR, "h", True),
    (48 * HOUR, "h", False),
    (8 * DAY, "d", True),
    (2 * YEAR, "d", False),
    (8 * YEAR, "y", True),
)


def age(seconds: float) -> str:
    """3d4h, 5m, 119s: two units at most, and one where the second says little."""
    whole = max(int(seconds), 0)
    unit, finer = next(((unit, finer) for below, unit, finer in STEPS if whole < below), ("y", False))
    place = [name for name, _ in UNITS].index(unit)
    count, rest = divmod(whole, UNITS[place][1])
    smaller, length = UNITS[min(place + 1, len(UNITS) - 1)]
    more = rest // length if finer else 0
    return f"{count}{unit}{more}{smaller}" if more else f"{count}{unit}"


def size(count: int | None) -> str:
    """In units of 1000, as plans count storage."""
    return "unknown" if count is None else decimal(count)


def plain(text: str) -> str:
    """On one line and without control characters: object names can hold any."""
    return "".join(character if character.isprintable() else "?" for character in "; ".join(text.splitlines()))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns, aligned."""
    lines = [list(heads), *([plain(cell) or "-" for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join("   ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
