"""A collector that takes its time: more goes in one request, four go side by side, and no loss is silent."""

import logging
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from telemetry.config.settings import ExporterSettings
from telemetry.otlp.grpc import GrpcSender
from telemetry.otlp.http import HttpSender
from telemetry.otlp.outcome import Outcome, Sender
from telemetry.pipeline import delivery, losses, queue
from telemetry.pipeline.losses import Losses
from telemetry.pipeline.queue import BatchQueue
from telemetry.pipeline.stats import Counts
from tests.otlp_stand_in import stand_in
from tests.unit.grpc_stand_ins import METHOD
from tests.unit.stand_in_sender import AWAY, PATIENCE, REFUSED, TAKEN, StandInSender, span_queue
from tests.unit.test_queue import close, flush, nonzero
from tests.waiting import until


class Slow:
    """A collector that takes `seconds` for each request."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.most = 0  # requests under way at once
        self._under_way = 0
        self._lock = threading.Lock()

    def send(self, request: bytes, timeout: float) -> Outcome:
        with self._lock:
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        time.sleep(self._seconds)
        with self._lock:
            self._under_way -= 1
        return TAKEN

    def close(self) -> None:
        pass


def test_nothing_is_lost_at_20_000_a_second_and_200_ms_a_request() -> None:
    """One request of 512 at a time would carry 2,560 a second."""
    collector = Slow(0.2)
    made, counts = span_queue(collector, size=8192, batch=8192, interval=0.25, encode=lambda _: b"")
    for _ in range(40):
        for item in range(500):
            made.push(item)
        time.sleep(0.025)
    assert close(made)
    assert nonzero(counts) == {"recorded": 20_000, "exported": 20_000}
    assert 2 <= collector.most <= 4


def test_whatever_waits_goes_in_one_request() -> None:
    """While one request is under way, the next one gathers what comes."""
    collector = StandInSender(holding=True)
    made, counts = span_queue(collector, size=10_000, batch=10_000)
    for item in range(1024):
        made.push(item)
    collector.wait(1)
    for item in range(600, 1600):
        made.push(item)
    collector.release()
    assert flush(made)
    assert [request.count(b",") + request.count(b"][") + 1 for request in collector.requests] == [1024, 1000]
    assert nonzero(counts) == {"recorded": 2024, "exported": 2024}
    assert close(made)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_four_requests_are_under_way_at_most(protocol: str) -> None:
    """Each on a connection of its own, which is closed with the queue; the more, the longer the next one waits."""
    with stand_in() as collector:
        address = collector.grpc if protocol == "grpc" else f"{collector.http}/v1/traces"
        settings = ExporterSettings(endpoint=address)
        senders: list[Sender] = []

        def make() -> Sender:
            senders.append(GrpcSender(settings, METHOD) if protocol == "grpc" else HttpSender(settings))
            return senders[-1]

        made, counts = span_queue(make, size=100, batch=100, encode=lambda _: b"")
        collector.hang.set()
        pushed = 0
        for under_way in range(4):
            for _ in range(50):
                made.push("x")
            pushed += 50
            collector.wait("traces", under_way + 1)
        for _ in range(100):
            made.push("x")
        assert len(collector.got("traces")) == len(senders) == 4
        collector.hang.clear()
        collector.over.set()
        assert flush(made)
        assert nonzero(counts) == {"recorded": pushed + 100, "exported": pushed + 100}
        assert close(made)


def test_threads_that_are_not_needed_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """With their connections; one stays."""
    monkeypatch.setattr(queue, "_IDLE", 0.05)
    senders: list[StandInSender] = []

    def make() -> Sender:
        senders.append(StandInSender(holding=True))
        return senders[-1]

    made, _ = span_queue(make, size=4, batch=2)
    for count in (2, 4):
        for _ in range(2):
            made.push("x")
        until(lambda count=count: sum(len(sender.requests) for sender in senders) == count // 2)  # type: ignore[misc]
    for sender in senders:
        sender.release()
    assert flush(made)
    until(lambda: list(made._workers) == [0])
    until(lambda: sum(sender.closed.is_set() for sender in senders) == len(senders) - 1)
    assert len(senders) == 2
    assert close(made)


class OneByOne:
    """A collector that answers each request when a test allows it."""

    def __init__(self) -> None:
        self.answers: dict[bytes, threading.Event] = {}

    def send(self, request: bytes, timeout: float) -> Outcome:
        self.answers.setdefault(request, threading.Event()).wait(PATIENCE)
        return TAKEN

    def close(self) -> None:
        for answer in self.answers.values():
            answer.set()


def test_a_flush_waits_for_what_was_before_it_and_for_nothing_else() -> None:
    """Requests end in any order."""
    collector = OneByOne()
    made, counts = span_queue(collector, size=2, batch=1)
    for item in "ab":
        made.push(item)
        until(lambda item=item: repr([item]).encode() in collector.answers)  # type: ignore[misc]
    target = made.begin_flush()
    made.push("c")
    until(lambda: b"['c']" in collector.answers)
    collector.answers[b"['b']"].set()
    collector.answers[b"['c']"].set()
    until(lambda: counts.snapshot().exported == 2)
    assert not made.finish_flush(target, time.monotonic()), "the first of them is still under way"
    collector.answers[b"['a']"].set()
    assert made.finish_flush(target, time.monotonic() + PATIENCE)
    assert close(made)


def test_a_request_that_is_full_leaves_the_rest_to_the_next() -> None:
    """None is larger than 3 MiB, whatever waits; nothing is encoded twice."""
    collector = StandInSender()
    encoded = []

    def encode(items: list[Any]) -> bytes:
        encoded.append(len(items))
        return b"x" * (2000 * len(items))

    made, counts = span_queue(collector, size=8192, batch=8192, encode=encode)
    with counts.lock:
        for item in range(8192):
            made.push(item)
    assert flush(made)
    assert sum(map(len, collector.requests)) == 2000 * 8192
    assert max(map(len, collector.requests)) <= 3 * 2**20
    assert len(collector.requests) == 6
    assert encoded == [64] * 128
    assert nonzero(counts) == {"recorded": 8192, "exported": 8192}
    assert close(made)


def test_other_threads_run_while_a_burst_is_encoded() -> None:
    """Nobody interrupts a thread here for ten seconds, so that another one runs only where the queue lets it in."""
    ticks: list[float] = []
    over = threading.Event()

    def tick() -> None:
        while not over.wait(0.001):
            ticks.append(time.monotonic())

    def encode(items: list[Any]) -> bytes:
        until = time.monotonic() + 0.00002 * len(items)
        while time.monotonic() < until:
            pass
        return b""

    made, counts = span_queue(StandInSender(), size=8192, batch=8192, encode=encode)
    ticking = threading.Thread(target=tick)
    before = sys.getswitchinterval()
    sys.setswitchinterval(10)
    try:
        ticking.start()
        with counts.lock:
            for item in range(8192):
                made.push(item)
        ticks.clear()
        assert flush(made)
        ticked = len(ticks)
    finally:
        sys.setswitchinterval(before)
        over.set()
        ticking.join()
    assert ticked >= 20, f"{ticked} times in 164 ms, of which a thread works 2 ms at a stretch"
    assert close(made)


def test_a_collector_that_is_away_is_asked_by_one_request_at_a_time() -> None:
    """The others stay in the queue, of which there is one size."""
    collector = StandInSender(AWAY)
    made, counts = span_queue(collector, size=10, batch=2)
    for _ in range(2):
        made.push("first")
    until(lambda: made._delivery.failing)
    for _ in range(20):
        made.push("more")
    assert not flush(made, 0.1)
    assert set(collector.requests) == {b"['first', 'first']"}
    assert nonzero(counts) == {"recorded": 22, "queue_full": 10}
    collector.answer = TAKEN
    assert not flush(made)
    assert nonzero(counts) == {"recorded": 22, "exported": 12, "queue_full": 10}
    assert close(made)


class TestLosses:
    @pytest.fixture(autouse=True)
    def logged(self, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
        caplog.set_level(logging.INFO, logger="search_telemetry")
        return caplog

    def test_an_outage_has_its_first_drop_and_its_end_with_the_count(self, caplog: pytest.LogCaptureFixture) -> None:
        """One line each, beside those of the failure itself."""
        collector = StandInSender(AWAY)
        made, counts = span_queue(collector, size=10)
        with counts.lock:  # all in one request, whatever the queue's thread does meanwhile
            for _ in range(10):
                made.push("x")
        until(lambda: made._delivery.failing)
        with counts.lock:  # the thread, which counts the losses, sees all of them or none
            for _ in range(17):
                made.push("x")
        assert not flush(made, 0.05)
        until(lambda: len(caplog.messages) == 2)
        for _ in range(17):
            made.push("x")
        collector.answer = TAKEN
        assert not flush(made)
        assert close(made)
        lost = counts.snapshot().dropped["queue_full"]
        assert lost == 24
        failing, dropping, again, over = caplog.messages
        assert failing.startswith("spans cannot be delivered to the stand-in")
        assert dropping.startswith(
            "spans are being dropped, 7 so far: the stand-in rejects them, is unavailable or too slow;"
        )
        assert again == "spans are delivered to the stand-in again"
        assert over.startswith("spans are no longer dropped: 24 were lost within ")

    def test_a_collector_that_is_only_slow_has_them_too(self, caplog: pytest.LogCaptureFixture) -> None:
        """No request fails, and yet the log reports that spans are lost."""
        collector = StandInSender(holding=True)
        made, _ = span_queue(collector, size=1, batch=1)
        for under_way in range(4):
            made.push("x")
            collector.wait(under_way + 1)
        for _ in range(5):
            made.push("x")
        collector.release()
        assert not flush(made)
        made.push("x")
        assert flush(made)
        assert close(made)
        dropping, over = caplog.messages
        assert dropping.startswith("spans are being dropped, 4 so far")
        assert over.startswith("spans are no longer dropped: 4 were lost within ")

    def test_what_the_collector_refuses_is_reported_with_its_number(self, caplog: pytest.LogCaptureFixture) -> None:
        """As it is not tried again."""
        collector = StandInSender(REFUSED)
        made, _ = span_queue(collector)
        for item in "ab":
            made.push(item)
            assert not flush(made)
        collector.answer = TAKEN
        made.push("c")
        assert flush(made)
        assert close(made)
        assert [message.partition(":")[0].partition(" (")[0] for message in caplog.messages] == [
            "spans cannot be delivered to the stand-in",
            "spans are being dropped, 1 so far",
            "spans are delivered to the stand-in again",
            "spans are no longer dropped",
        ]
        assert "2 were lost" in caplog.messages[3]

    def test_one_that_lasts_to_the_end_is_reported_there(self, caplog: pytest.LogCaptureFixture) -> None:
        """With the number up to then."""
        collector = StandInSender(REFUSED)
        made, _ = span_queue(collector)
        made.push("a")
        assert not flush(made)
        assert close(made)
        assert caplog.messages[-1].startswith("spans were dropped until the shutdown: 1 were lost within ")

    def test_an_overflow_now_and_then_is_not_a_flood(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Every second for an hour: a pair of lines a minute, and together they report every loss."""
        now = 0.0
        monkeypatch.setattr(losses, "time", SimpleNamespace(monotonic=lambda: now))
        counts = Counts()
        reported = Losses("spans", "the stand-in", counts)
        for _ in range(3600):
            counts.drop("queue_full", 3)
            reported.check()
            now += 0.5
            reported.over(reported.count())
            now += 0.5
        reported.check()
        reported.shut_down()
        begun, over = caplog.messages[::2], caplog.messages[1::2]
        assert len(begun) == len(over) <= 61
        assert sum(int(line.split(": ")[1].split()[0]) for line in over) >= 3 * (3600 - 60)


@pytest.mark.parametrize("asked", [float("inf"), 1e300, 86_400.0])
def test_a_collector_may_not_ask_for_more_than_a_minute(monkeypatch: pytest.MonkeyPatch, asked: float) -> None:
    """`Retry-After` and `RetryInfo` hold for so long; a flush tries at once all the same."""
    waited: list[float] = []
    collector = StandInSender(Outcome(problem="HTTP 503", retry=True, wait=asked))

    class Hurry(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0.0)
            return super().wait(timeout)

    monkeypatch.setattr(delivery, "threading", SimpleNamespace(Event=Hurry, Lock=threading.Lock))
    made: BatchQueue[object]
    made, _ = span_queue(collector, batch=1)
    monkeypatch.undo()
    made.push("x")
    until(lambda: bool(waited))
    assert 60 * 0.8 <= waited[0] <= 60 * 1.2
    collector.answer = TAKEN
    assert flush(made)
    assert close(made)
