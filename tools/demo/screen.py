"""One screen: the stages so far, and beneath them what there is to see. Without a terminal: line after line."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PREDICTABLE = 0.08  # share of a long stage that tells how long the rest takes
PLAIN_STEP = 0.1  # share of a long stage after which a line is printed where there is no terminal

INDENT = "  "

Line = str | Text


@dataclass
class Stage:
    """One thing that is done; `detail` says how it stands or what came of it."""

    title: str
    detail: str = ""
    mark: str = ""
    started: float = field(default_factory=time.monotonic)
    seconds: float | None = None

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started if self.seconds is None else self.seconds


@dataclass(frozen=True)
class Section:
    """Something to look at; `table`: its lines are cut at the edge, never folded."""

    title: str
    lines: Sequence[Line]
    table: bool

    def rows(self, width: int) -> int:
        """How many it takes when what may be folded is."""
        folded = [1 if self.table else max(1, -(-(len(line) + len(INDENT)) // width)) for line in self.lines]
        return 2 + sum(folded)


class Screen:
    """What the person sees. On a terminal it is drawn anew in place, and what it shows last stays."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=False)
        self._stages: list[Stage] = []
        self._sections: list[Section] = []
        self._live = Live(self, console=self.console, refresh_per_second=8) if self._is_drawn() else None
        self._told = 0.0
        self._over = False
        self._gap = ""  # between what is shown and the next stage, where there is no terminal

    def __enter__(self) -> "Screen":
        if self._live is not None:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True  # what stays may be longer than the screen
        if error is not None:
            self.clear()
        if self._live is not None:
            self._live.stop()

    @contextmanager
    def stage(self, title: str, detail: str = "") -> Iterator[Stage]:
        """Something that takes time; it counts as failed when an exception leaves the block."""
        stage = Stage(title, detail)
        self._stages.append(stage)
        self._told = 0.0
        try:
            yield stage
        except BaseException:
            stage.mark, stage.seconds = "✗", stage.elapsed
            raise
        stage.mark, stage.seconds = "✓", stage.elapsed
        if self._live is None:
            self._print(f"{self._gap}{stage.title}: {stage.detail} ({stage.elapsed:.1f} s)")
            self._gap = ""

    def progress(self, stage: Stage, fraction: float, text: str) -> None:
        """How far a long stage is."""
        minutes = math.ceil(stage.elapsed * (1 / fraction - 1) / 60) if fraction > PREDICTABLE else 0
        left = f"about {minutes} min left, " if minutes else ""
        stage.detail = f"{fraction:4.0%}  {left}{text}"
        if self._live is None and fraction >= self._told:
            self._told = fraction + PLAIN_STEP
            self._print(f"{self._gap}{stage.title}: {stage.detail}")
            self._gap = ""

    def show(self, title: str, lines: Sequence[Line], *, table: bool = False) -> None:
        """Something to look at, until `clear`. Long lines are folded where the whole then fits on the screen."""
        self._sections.append(Section(title, lines, table))
        if self._live is None:
            self._print(f"\n{title}")
            for line in lines:
                self._print(f"{INDENT}{line}".rstrip())
            self._gap = "\n"

    def clear(self) -> None:
        """Make room: the stages stay."""
        self._sections.clear()

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None where there is none."""
        return None if self._live is None else self.console.width

    def __rich__(self) -> RenderableType:
        """The whole screen, as it is now."""
        parts: list[RenderableType] = [self._table()]
        room = self._over or self._fits()
        for section in self._sections:
            parts += [Text(""), Text(section.title, style="bold")]
            parts += [_line(line, fold=room and not section.table) for line in section.lines]
        return Group(*parts)

    def _fits(self) -> bool:
        sections = sum(section.rows(self.console.width) for section in self._sections)
        return len(self._stages) + sections <= self.console.height

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=1)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column(justify="right", no_wrap=True)
        for stage in self._stages:
            style = {"✓": "green", "✗": "bold red"}.get(stage.mark, "cyan")
            mark = stage.mark or SPINNER[int(time.monotonic() * 8) % len(SPINNER)]
            seconds = Text(_duration(stage.elapsed), style="dim")
            table.add_row(Text(mark, style=style), Text(stage.title, style="bold"), Text(stage.detail), seconds)
        return table

    def _is_drawn(self) -> bool:
        return self.console.is_terminal and not self.console.is_dumb_terminal

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, soft_wrap=True)


def _line(line: Line, *, fold: bool) -> Text:
    text = Text(INDENT).append(line) if isinstance(line, str) else Text(INDENT).append_text(line)
    text.no_wrap, text.overflow = not fold, "fold" if fold else "ellipsis"
    return text


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60:02} s"
