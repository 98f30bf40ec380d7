"""What other code adds to our providers is flushed and shut down with them, and never hangs an exit."""

import time

from tests.otlp_stand_in import stand_in
from tests.unit.own_process import python

ADD = """
import sys, threading, time
import telemetry
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

handle = telemetry.configure("shop", logs="otlp")
LATE = 3_600_000  # milliseconds: they export when they are flushed
trace.get_tracer_provider().add_span_processor(
    BatchSpanProcessor(ConsoleSpanExporter(out=sys.stderr), schedule_delay_millis=LATE)
)
metrics.get_meter_provider().add_metric_reader(
    PeriodicExportingMetricReader(ConsoleMetricExporter(out=sys.stderr), LATE)
)
_logs.get_logger_provider().add_log_record_processor(
    BatchLogRecordProcessor(ConsoleLogRecordExporter(out=sys.stderr), schedule_delay_millis=LATE)
)
with telemetry.stage("encode"):
    __import__("logging").getLogger("shop").warning("a coat")
"""
ALL = ('"name": "encode"', "search.stage.duration", "a coat")


def test_they_are_shut_down_at_exit() -> None:
    """A batch processor, a periodic reader, a processor of log records: what they keep is out when the process ends."""
    with stand_in() as collector:
        ended = python(ADD, OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc)
    assert ended.status == 0
    assert [text for text in ALL if text not in ended.err] == []


def test_they_are_flushed_with_ours() -> None:
    """By `flush` and by `shutdown`: they print before what the program prints afterwards."""
    for call in ("flush", "shutdown"):
        with stand_in() as collector:
            ended = python(
                f"{ADD}\nassert handle.{call}()\nprint('=====', file=sys.stderr)",
                OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
            )
        assert ended.status == 0
        assert [text for text in ALL if text not in ended.err.partition("=====")[0]] == []


def test_one_that_hangs_or_raises_costs_the_others_nothing() -> None:
    """The exit waits for `exit_timeout` at most; what is ours is exported."""
    program = f"""{ADD}
from telemetry.recording.guard import guard
guard.strict = False

class Bad(SpanProcessor):
    def force_flush(self, timeout_millis=30_000):
        raise OSError("no")
    def shutdown(self):
        threading.Event().wait()

trace.get_tracer_provider().add_span_processor(Bad())
begun = time.monotonic()
show(handle.flush(5))
show(time.monotonic() - begun < 4)
"""
    with stand_in() as collector:
        begun = time.monotonic()
        ended = python(program, OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc)
        assert ended.shown == [False, True]
        assert ended.status == 0
        assert time.monotonic() - begun < 30
        assert [span.name for span, _ in collector.spans()] == ["encode"]
