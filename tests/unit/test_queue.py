"""The queue: each key once, never twice at the same time, people first, and no failure is ever given up."""

import asyncio

from tenant_manager.kube.objects import TENANT, Key
from tenant_manager.reconcile.queue import LONGEST_RETRY, Lane, Queue

A, B, C = (Key(TENANT, name, "customers") for name in "abc")


def a_queue(sweep_workers: int = 2) -> Queue:
    return Queue(sweep_workers, clock=asyncio.get_running_loop().time, chance=lambda: 1.0)


async def taken(queue: Queue) -> Key | None:
    try:
        return (await asyncio.wait_for(queue.take(), 0.02))[0]
    except TimeoutError:
        return None


async def test_a_key_that_is_added_twice_is_worked_on_once() -> None:
    queue = a_queue()
    queue.add(A)
    queue.add(A)
    assert await taken(queue) == A
    queue.done(A)
    assert await taken(queue) is None


async def test_people_go_before_sweeps() -> None:
    queue = a_queue()
    queue.add(A, Lane.SWEEP)
    queue.add(B)
    assert [await taken(queue), await taken(queue)] == [B, A]


async def test_a_key_moves_to_the_better_lane_and_never_back() -> None:
    queue = a_queue()
    queue.add(A, Lane.SWEEP)
    queue.add(B, Lane.SWEEP)
    queue.add(B)
    queue.add(B, Lane.SWEEP)
    assert [await taken(queue), await taken(queue), await taken(queue)] == [B, A, None]


async def test_a_key_is_never_worked_on_twice_at_once_and_what_arrives_meanwhile_is_not_lost() -> None:
    queue = a_queue()
    queue.add(A)
    assert await taken(queue) == A
    queue.add(A)
    assert await taken(queue) is None
    queue.done(A)
    assert await taken(queue) == A


async def test_sweeps_never_take_all_workers() -> None:
    queue = a_queue(sweep_workers=1)
    queue.add(A, Lane.SWEEP)
    queue.add(B, Lane.SWEEP)
    assert await taken(queue) == A
    assert await taken(queue) is None
    queue.add(C)
    assert await taken(queue) == C
    queue.done(A)
    assert await taken(queue) == B


async def test_the_earliest_time_counts() -> None:
    queue = a_queue()
    queue.add_later(A, 60)
    queue.add_later(A, 0.001)
    queue.add_later(A, 60)
    assert await taken(queue) == A


async def test_a_key_that_came_up_early_forgets_its_timer() -> None:
    queue = a_queue()
    queue.add_later(A, 0.005)
    queue.add(A)
    assert await taken(queue) == A
    queue.done(A)
    assert await taken(queue) is None


async def test_failures_back_off_and_never_end() -> None:
    queue = a_queue()
    waits = [queue.retry(A) for _ in range(40)]
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == LONGEST_RETRY
    queue.succeeded(A)
    assert queue.retry(A) == 1.0
    queue.forget(A)


async def test_depth_and_age_tell_what_waits() -> None:
    queue = a_queue()
    assert queue.age() == 0.0
    queue.add(A)
    queue.add(B, Lane.SWEEP)
    queue.add(C, Lane.SWEEP)
    assert (queue.depth(Lane.PEOPLE), queue.depth(Lane.SWEEP)) == (1, 2)
    await asyncio.sleep(0.01)
    assert queue.age() >= 0.01
