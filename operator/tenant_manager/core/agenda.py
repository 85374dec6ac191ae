"""What a pass has to do: the steps for now, and when to look again."""

from dataclasses import dataclass
from typing import Generic, TypeVar

S_co = TypeVar("S_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Agenda(Generic[S_co]):
    """The steps for now, and in how many seconds to look again; `None`: no need to."""

    steps: tuple[S_co, ...] = ()
    again: float | None = None
