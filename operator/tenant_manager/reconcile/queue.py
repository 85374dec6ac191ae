"""Keys that wait for work: two lanes, each key once, never twice at the same time, back-off that never ends."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from tenant_manager.kube.objects import Key

FIRST_RETRY: Final = 1.0  # seconds
LONGEST_RETRY: Final = 300.0


class Lane(IntEnum):
    """Who waits: a person, or nobody in particular."""

    PEOPLE = 0
    SWEEP = 1


@dataclass(slots=True)
class Queue:
    """A work queue after client-go's, with a slow lane that never takes all workers.

    `clock` counts seconds and never runs backwards; `chance` gives numbers from 0 to 1 for the jitter.
    """

    sweep_workers: int
    clock: Callable[[], float]
    chance: Callable[[], float] = random.random
    _lanes: tuple[deque[Key], deque[Key]] = field(default_factory=lambda: (deque(), deque()))
    _waiting: dict[Key, tuple[Lane, float]] = field(default_factory=dict)  # and since when
    _running: dict[Key, Lane] = field(default_factory=dict)
    _again: dict[Key, Lane] = field(default_factory=dict)  # arrived while running
    _timers: dict[Key, tuple[float, asyncio.TimerHandle]] = field(default_factory=dict)
    _failures: dict[Key, int] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, key: Key, lane: Lane = Lane.PEOPLE) -> None:
        """Have the key worked on; one that waits already only moves to the better lane."""
        if key in self._running:
            self._again[key] = min(lane, self._again.get(key, lane))
            return
        known = self._waiting.get(key)
        if known is not None and known[0] <= lane:
            return
        self._waiting[key] = (lane, known[1] if known else self.clock())
        self._lanes[lane].append(key)
        self._news.set()

    def add_later(self, key: Key, seconds: float, lane: Lane = Lane.SWEEP) -> None:
        """Have the key worked on in so many seconds, unless it comes up before; the earliest time counts."""
        due = self.clock() + seconds
        known = self._timers.get(key)
        if known is not None:
            if known[0] <= due:
                return
            known[1].cancel()
        handle = asyncio.get_running_loop().call_later(seconds, self._due, key, lane)
        self._timers[key] = (due, handle)

    def retry(self, key: Key, lane: Lane = Lane.SWEEP, longest: float = LONGEST_RETRY) -> float:
        """Have a key that failed worked on again: 1 s, 2 s, 4 s, up to `longest`, with jitter; how many seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        seconds = min(longest, FIRST_RETRY * 2.0 ** min(failures, 20)) * (0.5 + self.chance() / 2)
        self.add_later(key, seconds, lane)
        return seconds

    def succeeded(self, key: Key) -> None:
        """The next failure counts as the first."""
        self._failures.pop(key, None)

    def failed(self, key: Key) -> bool:
        """Whether the key failed when it was worked on last."""
        return key in self._failures

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self.succeeded(key)
        self._stop_timer(key)

    async def take(self) -> tuple[Key, Lane]:
        """The next key, once there is one that may be worked on."""
        while True:
            if (found := self._next()) is not None:
                key, lane = found
                self._running[key] = lane
                self._stop_timer(key)
                return found
            self._news.clear()
            await self._news.wait()

    def done(self, key: Key) -> None:
        """The key is not worked on any more. What arrived meanwhile queues up again."""
        self._running.pop(key, None)
        if (lane := self._again.pop(key, None)) is not None:
            self.add(key, lane)
        self._news.set()  # a sweep worker may have become free

    def is_busy(self, key: Key) -> bool:
        """Whether the key waits or is worked on."""
        return key in self._waiting or key in self._running

    @property
    def running(self) -> int:
        """Keys that are worked on."""
        return len(self._running)

    def depth(self, lane: Lane) -> int:
        """Keys that wait in this lane."""
        return sum(1 for waits_in, _ in self._waiting.values() if waits_in is lane)

    def age(self) -> float:
        """Seconds that the oldest waiting key has waited."""
        return max((self.clock() - since for _, since in self._waiting.values()), default=0.0)

    def _next(self) -> tuple[Key, Lane] | None:
        for lane in Lane:
            if lane is Lane.SWEEP and self._sweeping() >= self.sweep_workers:
                continue
            while self._lanes[lane]:
                key = self._lanes[lane].popleft()
                if self._waiting.get(key, (None,))[0] is lane:  # else it moved to the better lane
                    del self._waiting[key]
                    return key, lane
        return None

    def _sweeping(self) -> int:
        return sum(1 for lane in self._running.values() if lane is Lane.SWEEP)

    def _due(self, key: Key, lane: Lane) -> None:
        self._timers.pop(key, None)
        self.add(key, lane)

    def _stop_timer(self, key: Key) -> None:
        if (known := self._timers.pop(key, None)) is not None:
            known[1].cancel()
