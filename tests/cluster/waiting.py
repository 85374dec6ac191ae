"""Waiting for a condition, never for a time."""

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, overload

T = TypeVar("T")

SECONDS = 15.0
POLL = 0.02


@overload
async def until(
    asked: Callable[[], Coroutine[Any, Any, T | None]], seconds: float = ..., told: Callable[[], object] | None = ...
) -> T: ...
@overload
async def until(asked: Callable[[], T | None], seconds: float = ..., told: Callable[[], object] | None = ...) -> T: ...
async def until(asked: Callable[[], Any], seconds: float = SECONDS, told: Callable[[], object] | None = None) -> Any:
    """The first answer that is true. AssertionError after so many seconds, with what `told` knows then."""
    deadline = time.monotonic() + seconds
    while True:
        answer = asked()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {told() if told else answer!r}")
        await asyncio.sleep(POLL)


async def throughout(seconds: float, asked: Callable[[], object]) -> None:
    """It is asked all the time, for so many seconds, and always holds."""
    await never(seconds, lambda: not asked())


async def never(seconds: float, asked: Callable[[], object]) -> None:
    """For what must not happen: shown if it does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert not (found := asked()), found
        await asyncio.sleep(POLL)
