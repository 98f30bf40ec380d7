"""Traps of the runtime, each of which a test here would notice (`docs/defects.md` has them all)."""

import contextlib
import gc
import weakref

import telemetry
import telemetry.context
from telemetry.testing.spans import Spans
from tests.otlp_stand_in import StandIn
from tests.unit.own_process import python


def test_a_flush_blocked_for_ten_seconds_and_returned_true(collector: StandIn) -> None:
    """Before a collector that hangs, a flush takes its time and returns false; nothing is counted as exported."""
    collector.hang.set()
    ended = python(
        """
handle = telemetry.configure("x", timeout=60, exit_timeout=0.1)
with telemetry.stage("work"):
    pass
import time
begun = time.monotonic()
show(handle.flush(0.2))
show(time.monotonic() - begun < 5)
show([handle.stats.recorded, handle.stats.exported])
        """,
        timeout=30,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        OTEL_METRICS_EXPORTER="none",
    )
    assert ended.shown == [False, True, [1, 0]]


def test_twenty_thousand_spans_were_unaccounted_for(collector: StandIn) -> None:
    """Before a collector that hangs, a shutdown leaves no span that is neither exported nor counted as dropped."""
    collector.hang.set()
    ended = python(
        """
handle = telemetry.configure("x", timeout=60, span_queue_size=2000)
for _ in range(20_000):
    with telemetry.stage("work"):
        pass
show(handle.shutdown(0.3))
stats = handle.stats
show([stats.recorded, stats.exported + sum(stats.dropped.values()), stats.dropped["queue_full"] > 0])
        """,
        timeout=60,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        OTEL_METRICS_EXPORTER="none",
    )
    assert ended.shown == [False, [20_000, 20_000, True]]


def test_an_exception_that_cannot_be_weakly_referenced_was_reported_twice_or_kept(spans: Spans) -> None:
    """A `ValueError` has one event in its request; when that is over nothing of ours holds it, nor its frames."""

    class Frame:
        """What the frames of a request hold: its documents."""

    later = []

    def request() -> "weakref.ref[Frame]":
        document = Frame()
        with contextlib.suppress(ValueError), telemetry.stage("outer"), telemetry.stage("inner"):
            later.append(telemetry.context.carry(print))  # as a timer's or a pool's, which keeps the request's context
            raise ValueError(document)
        return weakref.ref(document)

    gone = request()
    gc.collect()
    assert gone() is None
    assert len(later) == 1
    assert spans.tree(status=True) == "outer !\n└ inner ! ValueError"


def test_a_log_handler_that_is_deprecated_warned_at_every_start(collector: StandIn) -> None:
    """Logs are exported without a warning of Python's, though warnings are errors."""
    ended = python(
        """
telemetry.configure("x", logs="otlp")
logging.getLogger("shop").warning("sold out")
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "sold out\n")
    assert [record.body.string_value for record in collector.logs()] == ["sold out"]
