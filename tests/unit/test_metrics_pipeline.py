"""The metric pipeline: counted data points, a user's callback that hangs or fails, the end."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.resources import Resource

from telemetry.otlp import signals
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.metrics import DELTA_INSTRUMENTS, MetricPipeline
from telemetry.recording.guard import guard
from telemetry.recording.metrics.meter_provider import MeterProvider
from telemetry.recording.metrics.own_metrics import OwnMetrics
from tests.unit.stand_in_sender import AWAY, PATIENCE, REFUSED, TAKEN, StandInSender


@contextmanager
def pipeline(sender: StandInSender, *, delta: bool = False) -> Iterator[tuple[MetricPipeline, MeterProvider]]:
    """A pipeline that collects only when asked, and its provider."""
    provider = MeterProvider(OwnMetrics("trace_based"), Resource.get_empty())
    made = MetricPipeline(
        lambda counts: Delivery(signals.METRICS, lambda: sender, 10.0, "the stand-in", counts),
        3600,
        provider.collector(delta=DELTA_INSTRUMENTS["delta" if delta else "cumulative"]),
    )
    provider.export_with(made)
    made.start()
    try:
        yield made, provider
    finally:
        sender.answer = TAKEN
        sender.release()
        close(made)


def flush(made: MetricPipeline, seconds: float = PATIENCE) -> bool:
    return made.finish_flush(made.begin_flush(), time.monotonic() + seconds)


def close(made: MetricPipeline, seconds: float = PATIENCE) -> bool:
    made.begin_close(time.monotonic() + seconds)
    return made.finish_close(time.monotonic() + seconds)


def nonzero(made: MetricPipeline) -> dict[str, int]:
    stats = made.stats()
    every = {"recorded": stats.recorded, "exported": stats.exported, **stats.dropped}
    return {name: count for name, count in every.items() if count}


def test_data_points_are_counted() -> None:
    """A counter with two series is two data points in each export; the last export is at the end."""
    with pipeline(StandInSender()) as (made, provider):
        counter = provider.get_meter("m").create_counter("c")
        counter.add(1, {"a": 1})
        counter.add(1, {"a": 2})
        assert flush(made)
        assert nonzero(made) == {"recorded": 2, "exported": 2}
        assert close(made)
        assert nonzero(made) == {"recorded": 4, "exported": 4}
        assert flush(made, 0), "after the end nothing is left to export"


def test_cumulative_sums_are_not_tried_again() -> None:
    """While the collector is away one export is lost, and the next one has all of it."""
    sender = StandInSender(AWAY)
    with pipeline(sender) as (made, provider):
        provider.get_meter("m").create_counter("c").add(1)
        assert not flush(made)
        sender.answer = TAKEN
        assert flush(made)
        assert nonzero(made) == {"recorded": 2, "exported": 1, "export_failed": 1}


def test_delta_sums_are_kept_until_they_are_taken() -> None:
    """A sum since the last export is sent once only, so it is tried until it arrives."""
    sender = StandInSender(AWAY)
    with pipeline(sender, delta=True) as (made, provider):
        provider.get_meter("m").create_counter("c").add(1)
        assert not flush(made, 0.05)
        sender.wait(1)
        sender.answer = TAKEN
        assert flush(made)
        assert nonzero(made) == {"recorded": 1, "exported": 1}


def test_a_refusal_is_counted() -> None:
    """What the collector refuses is lost, and the flush reports it once."""
    sender = StandInSender(REFUSED)
    with pipeline(sender) as (made, provider):
        provider.get_meter("m").create_counter("c").add(1)
        assert not flush(made)
        sender.answer = TAKEN
        assert flush(made)


def test_a_hanging_export_does_not_hang_the_end() -> None:
    """At the deadline the data points in flight are lost, and counted once."""
    sender = StandInSender(holding=True)
    with pipeline(sender) as (made, provider):
        provider.get_meter("m").create_counter("c").add(1)
        made.begin_flush()
        sender.wait(1)
        assert not close(made, 0.05)
        assert nonzero(made) == {"recorded": 1, "deadline": 1}


def test_a_users_callback_that_hangs_does_not_hang_the_end() -> None:
    """A user's observable may block; the process must not."""
    go = threading.Event()

    def hangs(_: CallbackOptions) -> Iterable[Observation]:
        go.wait(PATIENCE)
        yield Observation(1)

    with pipeline(StandInSender()) as (made, provider):
        provider.get_meter("m").create_observable_gauge("g", [hangs])
        try:
            assert not close(made, 0.05)
        finally:
            go.set()


def test_a_users_callback_that_fails_spoils_only_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """The other metrics are exported, and the thread goes on."""

    def fails(_: CallbackOptions) -> Iterable[Observation]:
        raise ValueError("not today")

    guard.strict = False
    with pipeline(StandInSender()) as (made, provider):
        meter = provider.get_meter("m")
        meter.create_observable_gauge("g", [fails])
        meter.create_counter("c").add(1)
        assert flush(made)
        assert nonzero(made) == {"recorded": 1, "exported": 1}
