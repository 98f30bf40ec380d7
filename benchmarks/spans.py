"""What one stage, endpoint or generator costs its caller: `python -m benchmarks.spans`.

It prints a table of microseconds a call: bare, with telemetry off, with nothing sampled (metrics
only), with every span recorded, and with every span recorded, queued, encoded and thrown away by a sender that takes
everything; for comparison a span of the OpenTelemetry SDK with the same three attributes.

The variants take turns, round by round, so that whatever else the machine does meets all of them; a figure is the
median of the rounds. Encoding runs on a thread of ours, under Python's lock: its cost is in the last column, since
process time is what counts there.
"""

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from rich.console import Console
from rich.table import Table

import telemetry
from telemetry.conventions import SCOPE
from telemetry.otlp import signals
from telemetry.otlp.outcome import Outcome
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.processors import SpanPipeline
from telemetry.pipeline.queue import BatchQueue
from telemetry.pipeline.stats import Counts
from telemetry.recording import instruments, providers, tracer_provider
from telemetry.recording.aggregation import Sums

Call = Callable[[], object]


@telemetry.stage("work", runtime="onnx", device="cpu", minibatch_size=32)
def _decorated() -> None:
    """Do nothing in a stage."""


def _block() -> None:
    with telemetry.stage("work", runtime="onnx", device="cpu", minibatch_size=32):
        pass


@telemetry.endpoint("/search")
def _endpoint(docs: list[int]) -> None:
    """Do nothing in an endpoint."""


@telemetry.stage("work", runtime="onnx", device="cpu", minibatch_size=32)
def _generator() -> Iterator[int]:
    yield from range(10)


_SCORES = [0.9 - 0.05 * place for place in range(10)]


@telemetry.stage("qdrant_search")
def _results() -> None:
    telemetry.results(scores=_SCORES)


@telemetry.endpoint("/search")
def _gateway(docs: list[int]) -> None:
    _encoder(docs)
    _indexer(docs)


@telemetry.endpoint("/search")
def _encoder(docs: list[int]) -> None:
    with (
        telemetry.stage("encode", runtime="onnx", device="cpu", model="pamazon-tiny"),
        telemetry.stage("inference", len_docs=len(docs), minibatch_size=32),
        telemetry.stage("txt_minibatch_encoding", minibatch_size=1),
    ):
        pass


@telemetry.endpoint("/search")
def _indexer(docs: list[int]) -> None:  # noqa: ARG001  counted by the endpoint
    _results()


def _search() -> None:
    """Do what a search through Pamazon records, but for its rpcs, in one process."""
    with telemetry.request("/search", platform="linux", region="cl"):
        _gateway([1])


def _sdk(provider: TracerProvider) -> Call:
    tracer = provider.get_tracer("sdk")

    def call() -> None:
        attributes: dict[str, str | int] = {"runtime": "onnx", "device": "cpu", "minibatch_size": 32}
        with tracer.start_as_current_span("work", attributes=attributes):
            pass

    return call


CALLS: dict[str, Call] = {
    "stage, as a decorator": _decorated,
    "stage, in a with": _block,
    "endpoint": lambda: _endpoint([1, 2]),
    "generator of ten items": lambda: list(_generator()),
    "stage with ten results": _results,
    "a search: its three endpoints and four stages": _search,
}
BARE: dict[str, Call] = {
    "stage, as a decorator": lambda: None,
    "stage, in a with": lambda: None,
    "endpoint": lambda: None,
    "generator of ten items": lambda: list(iter(range(10))),
    "stage with ten results": lambda: None,
    "a search: its three endpoints and four stages": lambda: None,
}


class _Taker:
    """A collector that takes everything at once."""

    def send(self, request: bytes, timeout: float) -> Outcome:  # noqa: ARG002  the Protocol's signature
        return Outcome(b"")

    def close(self) -> None:
        """Do nothing."""


@contextlib.contextmanager
def recording(sampler: Sampler, *processors: SpanProcessor | SpanPipeline) -> Iterator[TracerProvider]:
    """Record with a provider that has these processors."""
    tracing = tracer_provider.TracerProvider(sampler, shutdown_on_exit=False)
    for processor in processors:
        if isinstance(processor, SpanPipeline):
            tracing.export_to(processor)
        else:
            tracing.add_span_processor(processor)
    metering = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    tracer, meter = tracing.get_tracer(SCOPE), metering.get_meter(SCOPE)
    instruments.forget()
    with providers.override(tracer=tracer, meter=meter, sums=Sums("trace_based", delta=False)):
        yield tracing
    instruments.forget()
    metering.shutdown()
    tracing.shutdown()


def pipeline() -> SpanPipeline:
    """Return the library's own, before a collector that takes everything at once."""

    def make_queue(counts: Counts) -> BatchQueue[object]:
        return BatchQueue(Delivery(signals.SPANS, _Taker, 10.0, "nowhere", counts), counts, 1_000_000, 512, 0.5)

    return SpanPipeline(make_queue)  # type: ignore[arg-type]  # a queue of anything


def _round(calls: int, figures: dict[tuple[str, str], list[float]]) -> None:
    def measure(variant: str, what: dict[str, Call], after: Call = lambda: None) -> None:
        for name, call in what.items():
            begun = time.process_time()
            for _ in range(calls):
                call()
            after()
            figures.setdefault((name, variant), []).append((time.process_time() - begun) / calls * 1e6)

    measure("bare", BARE)
    measure("off", CALLS)
    with recording(ALWAYS_OFF):
        measure("not sampled", CALLS)
    with recording(ALWAYS_ON, SpanProcessor()) as provider:
        measure("recorded", {**CALLS, "OpenTelemetry SDK's span": _sdk(provider)})
    exporting = pipeline()
    with recording(ALWAYS_ON, exporting) as provider:
        measure("exported", {**CALLS, "OpenTelemetry SDK's span": _sdk(provider)}, exporting.force_flush)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000, help="in each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    args = parser.parse_args()
    figures: dict[tuple[str, str], list[float]] = {}
    for _ in range(args.rounds):
        _round(args.calls, figures)
    variants = ("bare", "off", "not sampled", "recorded", "exported")
    table = Table("microseconds of CPU a call", *variants, box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for name in (*CALLS, "OpenTelemetry SDK's span"):
        medians = (statistics.median(figures[name, v]) if (name, v) in figures else None for v in variants)
        table.add_row(name, *("" if median is None else f"{median:.2f}" for median in medians))
    Console().print(table)


if __name__ == "__main__":
    main()
