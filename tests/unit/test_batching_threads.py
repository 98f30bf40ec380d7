"""`Batcher`: calls from threads share runs, in order, bounded, and without harm to one another."""

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from telemetry.batching import BatchBroken, Batcher, BatcherClosed, QueueFull, WrongResults, batched
from tests.unit.batching_actors import Gate, started
from tests.waiting import until


def test_a_lone_call_runs_at_once_in_its_own_thread() -> None:
    """No thread is started, and nothing is handed over."""
    ran_in: list[threading.Thread] = []

    def double(items: Sequence[int]) -> list[int]:
        ran_in.append(threading.current_thread())
        return [item * 2 for item in items]

    batcher = Batcher(double)
    assert batcher([1, 2, 3]) == [2, 4, 6]
    assert (ran_in, batcher.length) == ([threading.current_thread()], 0)


def test_calls_that_come_while_a_batch_runs_make_the_next_one() -> None:
    """Three callers, two runs; each gets the results of its own items, in their order."""
    gate = Gate()
    batcher = Batcher(gate)
    first = started(batcher, [1])
    assert gate.entered.wait(10)
    second = started(batcher, [10, 11])
    until(lambda: batcher.length == 2)
    third = started(batcher, [20])
    until(lambda: batcher.length == 3)
    gate.opened.set()
    assert [f.result(10) for f in (first, second, third)] == [[2], [20, 22], [40]]
    assert gate.batches == [[1], [10, 11, 20]]


def test_a_call_with_many_items_is_taken_in_parts_and_put_together() -> None:
    """Batches are full, first come first served; a call may begin in one and end in the next."""
    gate = Gate()
    batcher = Batcher(gate, max_size=3)
    first = started(batcher, [0])
    assert gate.entered.wait(10)
    second = started(batcher, [1, 2])
    until(lambda: batcher.length == 2)
    third = started(batcher, [3, 4, 5, 6, 7])
    until(lambda: batcher.length == 7)
    gate.opened.set()
    assert [f.result(10) for f in (first, second, third)] == [[0], [2, 4], [6, 8, 10, 12, 14]]
    assert gate.batches == [[0], [1, 2, 3], [4, 5, 6], [7]]


def test_an_idle_batcher_waits_for_more_items_for_max_wait() -> None:
    """With `max_wait`, a batch begins once it is full: here long before the time is up."""
    gate = Gate()
    gate.opened.set()
    batcher = Batcher(gate, max_size=3, max_wait=60)
    calls = [started(batcher, [number]) for number in range(3)]
    assert [f.result(10) for f in calls] == [[0], [2], [4]]
    assert sorted(gate.batches[0]) == [0, 1, 2]


def test_an_idle_batcher_waits_no_longer_than_max_wait() -> None:
    """A lone call is answered after `max_wait`, with nobody beside it."""
    gate = Gate()
    gate.opened.set()
    assert Batcher(gate, max_wait=0.01)([1]) == [2]


def test_no_items_need_no_batch() -> None:
    """An empty call is answered without a run, also where the queue is full."""
    gate = Gate()
    assert Batcher(gate)([]) == []
    assert gate.batches == []


def test_a_full_queue_refuses_and_reports_it() -> None:
    """What does not fit changes nothing; what waits is answered."""
    gate = Gate()
    batcher = Batcher(gate, max_size=2, max_queue=2, name="encode")
    first = started(batcher, [0])
    assert gate.entered.wait(10)
    second = started(batcher, [1, 2])
    until(lambda: batcher.length == 2)
    with pytest.raises(QueueFull, match="encode has 2 items waiting and was given 1 more; max_queue is 2"):
        batcher([3])
    assert batcher.length == 2
    gate.opened.set()
    assert (first.result(10), second.result(10), batcher([3])) == ([0], [2, 4], [6])


def test_a_failing_item_fails_alone() -> None:
    """An exception in place of a result is raised by the call whose item it was, and by no other."""
    gate = Gate()
    batcher = Batcher(gate)
    first = started(batcher, [1])
    assert gate.entered.wait(10)
    bad = ValueError("no picture")
    second = started(batcher, [10, bad])
    until(lambda: batcher.length == 2)
    third = started(batcher, [20])
    until(lambda: batcher.length == 3)
    gate.opened.set()
    assert (first.result(10), third.result(10)) == ([2], [40])
    assert second.exception(10) is bad


def test_a_failing_function_fails_every_call_with_an_exception_of_its_own() -> None:
    """Type and words are the same; notes, contexts and frames that one caller adds are not the others'."""
    entered, opened = threading.Event(), threading.Event()

    def fail(items: Sequence[int]) -> list[int]:
        if items == [0]:
            entered.set()
            assert opened.wait(10)
            return [0]
        error = OSError(5, "the device is gone")
        error.add_note("in the batch")
        raise error

    batcher = Batcher(fail)
    first = started(batcher, [0])
    assert entered.wait(10)
    calls = [started(batcher, [number]) for number in (1, 2, 3)]
    until(lambda: batcher.length == 3)
    opened.set()
    assert first.result(10) == [0]
    errors = [f.exception(10) for f in calls]
    assert len({id(error) for error in errors}) == 3
    for error in errors:
        assert isinstance(error, OSError)
        assert (error.errno, str(error), error.__notes__) == (5, "[Errno 5] the device is gone", ["in the batch"])
        assert error.__traceback__ is not None
        error.add_note("seen by one caller")
    assert all(len(getattr(error, "__notes__", ())) == 2 for error in errors)
    assert batcher.length == 0


class Unlike(Exception):
    """Cannot be copied: its arguments are not those that it is made from."""

    def __init__(self, code: int, *, where: str) -> None:
        super().__init__(f"{code} in {where}")
        self.code = code


def test_an_exception_that_cannot_be_copied_still_reaches_every_caller() -> None:
    """Better one exception for all of them than another one's words."""
    gate = Gate()

    def fail(items: Sequence[int]) -> list[int]:
        gate(items)
        raise Unlike(7, where="encode")

    batcher = Batcher(fail)
    calls = [started(batcher, [0])]
    assert gate.entered.wait(10)
    calls += [started(batcher, [1]), started(batcher, [2])]
    until(lambda: batcher.length == 2)
    gate.opened.set()
    errors = [f.exception(10) for f in calls]
    assert [(type(error), str(error)) for error in errors] == [(Unlike, "7 in encode")] * 3


def test_one_exception_that_stands_for_several_items_is_one_for_each_caller() -> None:
    """A function that puts the same object in many places must not entangle its callers."""
    gate = Gate()
    bad = ValueError("no picture")
    batcher = Batcher(gate)
    first = started(batcher, [1])
    assert gate.entered.wait(10)
    calls = [started(batcher, [bad]), started(batcher, [bad])]
    until(lambda: batcher.length == 2)
    gate.opened.set()
    assert first.result(10) == [2]
    errors = [f.exception(10) for f in calls]
    assert [str(error) for error in errors] == ["no picture"] * 2
    assert errors[0] is not errors[1]


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ([1], "was given 2 items and returned 1 results"),
        (None, "returned a NoneType"),
        ("ab", "returned a str"),
        ({1: 1, 2: 2}, "returned a dict"),
    ],
)
def test_results_that_do_not_fit_are_reported(returned: Any, words: str) -> None:
    """No caller gets another one's result, or half of its own."""
    batcher: Batcher[int, int] = Batcher(lambda _: returned, name="encode")
    with pytest.raises(WrongResults, match=words):
        batcher([1, 2])


def test_the_parts_of_a_failed_call_that_still_wait_are_never_run() -> None:
    """A call of three batches fails with the first; the callers behind it are answered."""
    gate = Gate()

    def fail_once(items: Sequence[int]) -> list[int]:
        results = gate(items)
        if 1 in items:
            raise ValueError("broken")
        return results

    batcher = Batcher(fail_once, max_size=2)
    first = started(batcher, [0])
    assert gate.entered.wait(10)
    long = started(batcher, [1, 2, 3, 4, 5])
    until(lambda: batcher.length == 5)
    last = started(batcher, [9])
    until(lambda: batcher.length == 6)
    gate.opened.set()
    assert (first.result(10), last.result(10), str(long.exception(10))) == ([0], [18], "broken")
    assert batcher.length == 0
    assert [5] not in gate.batches


def test_ctrl_c_in_a_batch_is_raised_where_it_came_and_breaks_off_the_others() -> None:
    """The thread that ran the batch is interrupted; those that shared it get an error, and the next call is served."""
    entered, opened = threading.Event(), threading.Event()

    def interrupted(items: Sequence[int]) -> list[int]:
        if items == [0]:
            entered.set()
            assert opened.wait(10)
        if len(items) == 2:
            raise KeyboardInterrupt
        return list(items)

    batcher = Batcher(interrupted, name="encode")
    first = started(batcher, [0])
    assert entered.wait(10)
    calls = [started(batcher, [1]), started(batcher, [2])]
    until(lambda: batcher.length == 2)
    opened.set()
    assert first.result(10) == [0]
    errors = sorted((f.exception(10) for f in calls), key=lambda error: type(error).__name__)
    assert [type(error) for error in errors] == [BatchBroken, KeyboardInterrupt]
    assert "the batch of encode was interrupted by KeyboardInterrupt" in str(errors[0])
    assert batcher([3]) == [3]


def test_a_caller_that_is_interrupted_while_it_waits_takes_its_items_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in a waiting thread, also in the one that would lead next, leaves nothing behind and nobody stuck."""
    gate = Gate()
    batcher = Batcher(gate)

    class Interrupting(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            return super().wait(timeout)

    first = started(batcher, [1])
    assert gate.entered.wait(10)
    monkeypatch.setattr("telemetry.batching.threads.threading", SimpleNamespace(Event=Interrupting))
    with pytest.raises(KeyboardInterrupt):
        batcher([5])
    assert batcher.length == 0
    last = started(batcher, [7])
    until(lambda: batcher.length == 1)
    gate.opened.set()
    assert (first.result(10), last.result(10), gate.batches) == ([2], [14], [[1], [7]])


def test_a_function_that_calls_itself_runs_at_once() -> None:
    """Waiting for its own end would last for ever; so halves can be tried where a whole does not fit."""
    runs: list[list[int]] = []

    @batched(max_size=4)
    def encode(items: Sequence[int]) -> list[int]:
        runs.append(list(items))
        if len(items) > 2:
            return [*encode(items[:2]), *encode(items[2:])]
        return [item * 2 for item in items]

    assert encode([1, 2, 3, 4]) == [2, 4, 6, 8]
    assert runs == [[1, 2, 3, 4], [1, 2], [3, 4]]


def test_functions_that_call_each_other_run_at_once() -> None:
    """Also by way of another batcher."""

    @batched
    def outer(items: Sequence[int]) -> list[int]:
        return inner(items) if max(items) < 10 else [item + 1 for item in items]

    @batched
    def inner(items: Sequence[int]) -> list[int]:
        return outer([item * 10 for item in items])

    assert started(outer, [1, 2]).result(10) == [11, 21]


def test_a_thread_that_a_batch_has_left_behind_is_batched_as_any_other() -> None:
    """It carries the context of the batch, which is over."""
    import contextvars

    kept: list[contextvars.Context] = []
    gate = Gate()
    gate.opened.set()

    def double(items: Sequence[int]) -> list[int]:
        kept.append(contextvars.copy_context())
        return gate(items)

    batcher = Batcher(double, max_size=2, max_wait=60)
    calls = [started(batcher, [1]), started(batcher, [2])]
    assert sorted(f.result(10) for f in calls) == [[2], [4]]
    calls = [started(kept[0].copy().run, batcher, [3]), started(batcher, [4])]
    assert sorted(f.result(10) for f in calls) == [[6], [8]]
    assert len(gate.batches) == 2


def test_closing_answers_who_waits_and_refuses_who_comes() -> None:
    """`close` returns once everything is answered; the batch of those that wait begins at once."""
    gate = Gate()
    batcher = Batcher(gate, name="encode", max_wait=60)
    gate.opened.set()
    waiting = started(batcher, [1])
    until(lambda: batcher.length == 1)
    assert batcher.close(10)
    assert waiting.result(10) == [2]
    with pytest.raises(BatcherClosed, match="the batcher of encode is closed"):
        batcher([2])
    assert batcher.close(10)


def test_closing_in_a_hurry_fails_who_still_waits() -> None:
    """The batch that runs goes on; nobody waits for ever."""
    gate = Gate()
    batcher = Batcher(gate, max_size=1)
    running = started(batcher, [1])
    assert gate.entered.wait(10)
    waiting = started(batcher, [2, 3])
    until(lambda: batcher.length == 2)
    assert not batcher.close(0.01)
    assert isinstance(waiting.exception(10), BatcherClosed)
    assert batcher.length == 0
    gate.opened.set()
    assert running.result(10) == [2]
    assert batcher.close(10)


def test_leaving_the_block_closes() -> None:
    """`with Batcher(…) as encode:` drains at its end."""
    with Batcher(Gate()) as batcher:
        assert batcher([]) == []
    with pytest.raises(BatcherClosed):
        batcher([1])


def test_many_threads_get_their_own_results() -> None:
    """Whatever is batched with what."""
    batcher: Batcher[int, int] = Batcher(lambda items: [item + 1000 for item in items], max_size=7)

    def many(number: int) -> bool:
        return all(batcher([number, n]) == [number + 1000, n + 1000] for n in range(200))

    assert [f.result(30) for f in [started(many, number) for number in range(12)]] == [True] * 12
    assert batcher.length == 0
