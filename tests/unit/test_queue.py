"""The queue between the host and the collector: never blocks, loses nothing uncounted, ends in time."""

import gc
import logging
import sys
import threading
import time
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.pipeline.queue import BatchQueue
from telemetry.pipeline.stats import REASONS, Counts
from telemetry.recording.guard import guard
from tests.unit.stand_in_sender import (
    AWAY,
    PATIENCE,
    REFUSED,
    TAKEN,
    StandInSender,
    span_queue,
    taken_in_part,
)


def soon(seconds: float = PATIENCE) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def flush(queue: BatchQueue[object], seconds: float = PATIENCE) -> bool:
    return queue.finish_flush(queue.begin_flush(), soon(seconds))


def close(queue: BatchQueue[object], seconds: float = PATIENCE, *, patient: bool = True) -> bool:
    queue.begin_close(soon(seconds), patient=patient)
    return queue.finish_close(soon(seconds))


def nonzero(counts: Counts) -> dict[str, int]:
    """The counts that are not zero."""
    stats = counts.snapshot()
    every = {"recorded": stats.recorded, "exported": stats.exported, **stats.dropped}
    return {name: count for name, count in every.items() if count}


def test_items_arrive_once_in_batches() -> None:
    """A full batch is sent at once, the rest with the flush."""
    sender = StandInSender()
    queue, counts = span_queue(sender, batch=2)
    for item in "abcde":
        queue.push(item)
    assert flush(queue)
    assert sorted(b"".join(sender.requests).translate(None, b"[]', ")) == sorted(b"abcde")
    assert max(request.count(b"'") for request in sender.requests) == 4, "two items in one request at most"
    assert nonzero(counts) == {"recorded": 5, "exported": 5}
    assert close(queue)


def test_an_item_waits_no_longer_than_the_interval() -> None:
    """One item alone is sent without anybody asking."""
    sender = StandInSender()
    queue, _ = span_queue(sender, batch=1000, size=1000, interval=0.01)
    queue.push("a")
    sender.wait(1)
    assert close(queue)


def test_a_full_queue_drops_and_counts_and_never_waits() -> None:
    """While the collector hangs the host goes on at once; what finds no room is lost, and counted."""
    sender = StandInSender(holding=True)
    queue, counts = span_queue(sender, size=3, batch=1)
    for under_way in range(4):
        queue.push("in flight")
        sender.wait(under_way + 1)
    for item in range(10):
        queue.push(item)
    assert nonzero(counts) == {"recorded": 14, "queue_full": 7}
    sender.release()
    assert not flush(queue)
    assert nonzero(counts) == {"recorded": 14, "exported": 7, "queue_full": 7}
    assert close(queue), "the loss before the last flush was reported there"


def test_a_collector_that_comes_back_gets_what_was_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Retryable failures cost nothing but time; they are warned of once, and the recovery is logged."""
    caplog.set_level(logging.INFO, logger="search_telemetry")
    sender = StandInSender(AWAY)
    queue, counts = span_queue(sender)
    queue.push("a")
    assert not flush(queue, 0.05)
    sender.wait(1)
    sender.answer = TAKEN
    assert flush(queue)
    assert nonzero(counts) == {"recorded": 1, "exported": 1}
    first, second = caplog.messages
    assert first.startswith("spans cannot be delivered to the stand-in (UNAVAILABLE: connection refused)")
    assert second == "spans are delivered to the stand-in again"
    assert close(queue)


def test_a_refused_request_is_lost_and_counted() -> None:
    """What the collector refuses for good is not tried again."""
    sender = StandInSender(REFUSED)
    queue, counts = span_queue(sender)
    queue.push("a")
    assert not flush(queue)
    assert nonzero(counts) == {"recorded": 1, "export_failed": 1}
    assert len(sender.requests) == 1
    assert close(queue)


def test_a_partial_success_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Items that the collector refuses inside a request that it takes are lost, and counted."""
    queue, counts = span_queue(StandInSender(taken_in_part(2)))
    for item in "abc":
        queue.push(item)
    assert not flush(queue)
    assert nonzero(counts) == {"recorded": 3, "exported": 1, "partial_success": 2}
    assert caplog.messages == ["the stand-in rejected 2 spans: too old (logged once)"]
    close(queue)


def test_a_collector_cannot_refuse_more_than_it_got() -> None:
    """A collector that counts wrong does not make our counts negative."""
    queue, counts = span_queue(StandInSender(taken_in_part(7)))
    queue.push("a")
    assert not flush(queue)
    assert nonzero(counts) == {"recorded": 1, "partial_success": 1}
    close(queue)


def test_a_hanging_collector_does_not_hang_the_shutdown() -> None:
    """At the deadline the rest is dropped and counted, whatever the sender does; its call is broken off."""
    sender = StandInSender(holding=True)
    queue, counts = span_queue(sender, batch=1)
    for item in "abc":
        queue.push(item)
    sender.wait(1)
    assert not close(queue, 0.05)
    assert nonzero(counts) == {"recorded": 3, "deadline": 3}
    assert sender.closed.is_set()
    assert nonzero(counts) == {"recorded": 3, "deadline": 3}, "the late answer is not counted again"


def test_an_exit_does_not_wait_for_a_collector_that_is_away() -> None:
    """A process that ends tries a few times, and not until the deadline."""
    sender = StandInSender(AWAY)
    queue, counts = span_queue(sender, batch=1)
    for item in "abc":
        queue.push(item)
    assert not close(queue, 600, patient=False)
    assert nonzero(counts) == {"recorded": 3, "export_failed": 3}


def test_what_comes_after_the_shutdown_is_counted() -> None:
    """Spans that end too late are distinguished from those that were lost."""
    queue, counts = span_queue(StandInSender())
    queue.push("a")
    assert close(queue)
    queue.push("b")
    assert nonzero(counts) == {"recorded": 2, "exported": 1, "after_shutdown": 1}
    assert not flush(queue)


def test_a_flush_of_nothing_is_true() -> None:
    """Nothing recorded, nothing lost; no thread is started for it."""
    queue, _ = span_queue(StandInSender())
    assert flush(queue)
    assert close(queue)
    assert not queue._workers


@pytest.mark.parametrize("batch", [1, 100])
def test_what_cannot_be_encoded_is_lost_alone(batch: int) -> None:
    """An item that OTLP cannot carry is counted, and costs none of those beside it; the thread goes on."""

    def encode(items: list[object]) -> bytes:
        if "bad" in items:
            raise TypeError("no such value")
        return b""

    guard.strict = False
    queue, counts = span_queue(StandInSender(), batch=batch, encode=encode)
    for item in ("good", "bad", "good", "good", "bad"):
        queue.push(item)
    assert not flush(queue)
    assert nonzero(counts) == {"recorded": 5, "exported": 3, "export_failed": 2}
    close(queue)


def test_a_batch_that_is_too_large_goes_in_pieces() -> None:
    """Servers refuse requests above a size; one item that is too large by itself is sent all the same."""
    sender = StandInSender()
    queue, counts = span_queue(sender, batch=4)
    for size in (1, 2, 1, 4):
        queue.push("x" * (size * 2**20))
    assert flush(queue)
    assert [round(len(request) / 2**20) for request in sender.requests] == [1, 2, 1, 4]
    assert nonzero(counts) == {"recorded": 4, "exported": 4}
    assert close(queue)


@settings(max_examples=30, deadline=None)
@given(
    threads=st.integers(1, 4),
    each=st.integers(0, 50),
    size=st.integers(1, 30),
    batch=st.integers(1, 40),
    answers=st.lists(st.sampled_from([TAKEN, AWAY, REFUSED, taken_in_part(1)]), max_size=8),
    ends_in=st.sampled_from([0.0, PATIENCE]),
)
def test_the_counts_add_up(
    threads: int, each: int, size: int, batch: int, answers: list[object], ends_in: float
) -> None:
    """Whatever happens: after a shutdown, recorded is exported and all dropped together."""
    sender = StandInSender()
    given_answers = iter(answers)
    sender.send = lambda request, timeout: next(given_answers, TAKEN)  # type: ignore[assignment, method-assign, return-value]
    queue, counts = span_queue(sender, size=size, batch=batch, interval=0.001)

    def record() -> None:
        for item in range(each):
            queue.push(item)

    workers = [threading.Thread(target=record) for _ in range(threads)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for worker in workers:
            worker.start()
        if ends_in:
            for worker in workers:
                worker.join()
        close(queue, ends_in)
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(before)
    stats = counts.snapshot()
    assert stats.recorded == threads * each
    assert stats.recorded == stats.exported + stats.lost
    assert set(stats.dropped) == set(REASONS)
    for thread in queue._workers.values():
        thread.join(PATIENCE)


def test_an_item_that_comes_during_the_shutdown_is_counted() -> None:
    """A thread may have found room, and append its item only after everything else has ended."""

    class Late(deque[object]):
        def append(self, item: object) -> None:
            assert close(queue)
            super().append(item)

    queue, counts = span_queue(StandInSender())
    queue.push("a")
    assert flush(queue)
    queue._items = Late()
    counts.waiting = queue._items
    queue.push("b")
    assert nonzero(counts) == {"recorded": 2, "exported": 1, "after_shutdown": 1}
    assert not queue._items


def test_what_the_garbage_collector_ends_is_counted() -> None:
    """A collection may begin anywhere, also while an item is put; the spans that it ends are put there and then."""

    class Open:
        def __init__(self) -> None:
            self.myself = self

        def __del__(self) -> None:
            queue.push("collected")

    queue, counts = span_queue(StandInSender(), size=64, batch=8, interval=0.001)
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(500):
            Open()
            queue.push("put")
    finally:
        gc.set_threshold(*before)
    gc.collect()
    close(queue)
    stats = counts.snapshot()
    assert stats.recorded == 1000 == stats.exported + stats.lost


def test_threads_at_once_fill_it_by_one_item_each_too_many() -> None:
    """What waits is never more than the size and the threads; every other item is counted as dropped."""
    sender = StandInSender(AWAY)
    queue, counts = span_queue(sender, size=100, batch=10)
    threads = [threading.Thread(target=lambda: [queue.push(0) for _ in range(1000)]) for _ in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert len(queue._items) <= 104
    sender.answer = TAKEN
    close(queue)
    stats = counts.snapshot()
    assert (stats.recorded, stats.exported + stats.dropped["queue_full"]) == (4000, 4000)
