"""`AsyncBatcher`: calls from tasks share runs; whoever is cancelled harms nobody else."""

import asyncio
import gc
import weakref
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import pytest

from telemetry.batching import AsyncBatcher, BatchBroken, BatcherClosed, QueueFull, WrongResults, batched, batcher_of
from tests.unit.batching_actors import AsyncGate, settled


def calls_of(batcher: AsyncBatcher[Any, Any], *items: Sequence[Any]) -> list["asyncio.Task[list[Any]]"]:
    """Tasks that each call the batcher once."""

    async def call(given: Sequence[Any]) -> list[Any]:
        return await batcher(given)

    return [asyncio.create_task(call(given)) for given in items]


async def test_calls_of_one_moment_share_a_run() -> None:
    """An idle batcher starts at once, and takes along whoever calls before the event loop comes round to it."""
    gate = AsyncGate()
    gate.opened.set()
    assert await asyncio.gather(*calls_of(AsyncBatcher(gate), [1], [2, 3], [])) == [[2], [4, 6], []]
    assert gate.batches == [[1, 2, 3]]


async def test_calls_that_come_while_a_batch_runs_make_the_next_ones() -> None:
    """Full batches, first come first served, a call's results put together in order."""
    gate = AsyncGate()
    batcher = AsyncBatcher(gate, max_size=3)
    first = calls_of(batcher, [0])
    await gate.entered.wait()
    others = calls_of(batcher, [1, 2], [3, 4, 5, 6, 7])
    await settled()
    assert batcher.length == 7
    gate.opened.set()
    assert await asyncio.gather(*first, *others) == [[0], [2, 4], [6, 8, 10, 12, 14]]
    assert gate.batches == [[0], [1, 2, 3], [4, 5, 6], [7]]


async def test_an_idle_batcher_waits_for_more_items_for_max_wait() -> None:
    """With `max_wait` a batch begins once it is full, and a lone call once the time is up."""
    gate = AsyncGate()
    gate.opened.set()
    patient = AsyncBatcher(gate, max_size=2, max_wait=60)
    first = calls_of(patient, [1])
    await settled()
    assert gate.batches == []
    assert await asyncio.gather(*first, *calls_of(patient, [2])) == [[2], [4]]
    assert await AsyncBatcher(gate, max_wait=0.01)([3]) == [6]
    assert gate.batches == [[1, 2], [3]]


async def test_a_full_queue_refuses_and_reports_it() -> None:
    """What does not fit changes nothing; what waits is answered."""
    gate = AsyncGate()
    batcher = AsyncBatcher(gate, max_size=2, max_queue=2)
    calls = calls_of(batcher, [0])
    await gate.entered.wait()
    calls += calls_of(batcher, [1, 2])
    await settled()
    with pytest.raises(QueueFull, match="2 items waiting and was given 3 more; max_queue is 2"):
        await batcher([3, 4, 5])
    gate.opened.set()
    assert await asyncio.gather(*calls) == [[0], [2, 4]]


async def test_cancelling_a_call_that_waits_takes_its_items_out() -> None:
    """The others of its batch are answered, and the function never sees them."""
    gate = AsyncGate()
    batcher = AsyncBatcher(gate)
    first = calls_of(batcher, [0])
    await gate.entered.wait()
    one, other = calls_of(batcher, [1], [2])
    await settled()
    one.cancel()
    await settled()
    assert batcher.length == 1
    gate.opened.set()
    assert await asyncio.gather(*first, other) == [[0], [4]]
    assert (one.cancelled(), gate.batches) == (True, [[0], [2]])


async def test_a_call_that_times_out_in_a_batch_leaves_the_others_alone() -> None:
    """`wait_for` of one of them ends it at once; the batch goes on for the other."""
    gate = AsyncGate()
    batcher = AsyncBatcher(gate)
    one, other = calls_of(batcher, [1], [2])
    await gate.entered.wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(one, 0)
    gate.opened.set()
    assert await other == [4]
    assert gate.batches == [[1, 2]]


async def test_a_batch_that_nobody_waits_for_is_cancelled() -> None:
    """As a call by itself would be: what it awaits is given up, and the next batch begins."""
    cancelled: list[list[int]] = []
    entered = asyncio.Event()

    async def first_for_ever(items: Sequence[int]) -> list[int]:
        if 1 in items:
            try:
                entered.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(list(items))
                raise
        return list(items)

    batcher = AsyncBatcher(first_for_ever)
    calls = calls_of(batcher, [1], [2])
    await entered.wait()
    waiting = calls_of(batcher, [3])
    await settled()
    calls[0].cancel()
    await settled()
    assert cancelled == []
    calls[1].cancel()
    assert await asyncio.gather(*waiting) == [[3]]
    assert cancelled == [[1, 2]]
    assert batcher.length == 0


async def test_a_call_that_is_closed_by_hand_takes_its_items_out() -> None:
    """As a runtime does that drives coroutines by itself."""
    gate = AsyncGate()
    batcher = AsyncBatcher(gate)
    first = calls_of(batcher, [0])
    await gate.entered.wait()
    call = batcher([1])
    call.send(None)
    assert batcher.length == 1
    call.close()
    assert batcher.length == 0
    gate.opened.set()
    assert await asyncio.gather(*first) == [[0]]
    assert gate.batches == [[0]]


async def test_a_function_that_cancels_itself_cancels_no_caller() -> None:
    """To its callers it is a batch that was broken off, not a wish that they should end."""

    async def gives_up(items: Sequence[int]) -> list[int]:
        raise asyncio.CancelledError

    with pytest.raises(BatchBroken, match="the batch of gives_up was interrupted by CancelledError"):
        await AsyncBatcher(gives_up)([1])


async def test_a_failing_function_fails_every_call_with_an_exception_of_its_own() -> None:
    """Type and words are the same; and the batcher goes on."""

    async def fail(items: Sequence[int]) -> list[int]:
        if len(items) > 1:
            raise ValueError("too many", len(items))
        return list(items)

    batcher = AsyncBatcher(fail)
    errors: list[Any] = await asyncio.gather(*calls_of(batcher, [1], [2], [3]), return_exceptions=True)
    assert [(type(error), error.args) for error in errors] == [(ValueError, ("too many", 3))] * 3
    assert len({id(error) for error in errors}) == 3
    assert await batcher([4]) == [4]


async def test_a_failing_item_fails_alone() -> None:
    """An exception in place of a result is raised by the call whose item it was."""
    gate = AsyncGate()
    gate.opened.set()
    bad = ValueError("no picture")
    given = calls_of(AsyncBatcher(gate), [1], [2, bad], [3])
    assert await asyncio.gather(*given, return_exceptions=True) == [[2], bad, [6]]


async def test_results_that_do_not_fit_are_reported_to_every_caller() -> None:
    """No caller gets another one's result."""

    async def short(items: Sequence[int]) -> list[int]:
        return list(items)[:-1]

    errors = await asyncio.gather(*calls_of(AsyncBatcher(short), [1], [2]), return_exceptions=True)
    assert [type(error) for error in errors] == [WrongResults] * 2


async def test_a_function_that_calls_itself_runs_at_once() -> None:
    """Also from tasks that it starts and awaits."""

    @batched
    async def encode(items: Sequence[int]) -> list[int]:
        if len(items) > 1:
            halves = await asyncio.gather(encode(items[:1]), encode(items[1:]))
            return [result for half in halves for result in half]
        return [item * 2 for item in items]

    async with asyncio.timeout(10):
        assert await encode([1, 2, 3]) == [2, 4, 6]


async def test_a_task_that_a_batch_has_left_behind_is_batched_as_any_other() -> None:
    """It runs in the context of the batch, which is over."""
    later: list[asyncio.Task[list[int]]] = []
    released = asyncio.Event()
    runs: list[list[int]] = []

    @batched
    async def encode(items: Sequence[int]) -> list[int]:
        async def go_on() -> list[int]:
            await released.wait()
            return await encode([3])

        runs.append(list(items))
        if not later:
            later.append(asyncio.create_task(go_on()))
        return list(items)

    await encode([1])
    released.set()
    await settled()
    assert await asyncio.gather(encode([4]), *later)
    assert [3] in runs or [3, 4] in runs or [4, 3] in runs
    assert batcher_of(encode).length == 0


async def test_context_variables_of_callers_are_not_the_batchs() -> None:
    """A batch belongs to none of its callers, and leaves nothing with them."""
    whose: ContextVar[str] = ContextVar("whose", default="nobody's")
    seen: list[str] = []

    @batched
    async def encode(items: Sequence[int]) -> list[int]:
        seen.append(whose.get())
        whose.set("the batch's")
        return list(items)

    whose.set("the caller's")
    await encode([1])
    assert (seen, whose.get()) == (["nobody's"], "the caller's")


async def test_closing_answers_who_waits_and_refuses_who_comes() -> None:
    """`close` returns once everything is answered, without the rest of `max_wait`."""
    gate = AsyncGate()
    batcher = AsyncBatcher(gate, max_wait=60)
    gate.opened.set()
    waiting = calls_of(batcher, [1])
    await settled()
    assert await batcher.close()
    assert await asyncio.gather(*waiting) == [[2]]
    with pytest.raises(BatcherClosed):
        await batcher([2])
    assert await batcher.close()


async def test_closing_in_a_hurry_fails_who_still_waits() -> None:
    """The batch that runs goes on; nobody waits for ever."""
    gate = AsyncGate()
    async with AsyncBatcher(gate) as batcher:
        running = calls_of(batcher, [1])
        await gate.entered.wait()
        waiting = calls_of(batcher, [2])
        await settled()
        assert not await batcher.close(0)
        with pytest.raises(BatcherClosed):
            await waiting[0]
        gate.opened.set()
    assert await asyncio.gather(*running) == [[2]]


def test_every_event_loop_has_a_queue_of_its_own() -> None:
    """One batcher serves one loop after the other, and keeps none of them alive."""

    async def double(items: Sequence[int]) -> list[int]:
        return [item * 2 for item in items]

    batcher = AsyncBatcher(double)
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def both() -> list[list[int]]:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        return list(await asyncio.gather(batcher([1]), batcher([2])))

    assert [asyncio.run(both()) for _ in range(3)] == [[[2], [4]]] * 3
    gc.collect()
    assert [loop() for loop in loops] == [None] * 3


def test_an_event_loop_that_ends_takes_its_calls_along() -> None:
    """`asyncio.run` ends in the middle of a batch: no warning, nothing left that the next one would meet."""
    batches: list[list[int]] = []

    async def for_ever(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        if items == [9]:
            return [9]
        await asyncio.Event().wait()
        return []

    batcher = AsyncBatcher(for_ever)

    async def leave() -> None:
        calls = calls_of(batcher, [1])
        await settled()
        calls += calls_of(batcher, [2])
        await settled()

    asyncio.run(leave())
    assert (batcher.length, batches) == (0, [[1]])
    assert asyncio.run(batcher([9])) == [9]
