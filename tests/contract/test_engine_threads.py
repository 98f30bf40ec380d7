"""Our spans under threads, forks and gevent: nothing is lost, nothing is raised, nothing grows."""

import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Link

from telemetry.recording.traces.tracer_provider import TracerProvider
from tests.engines import Engine
from tests.otlp_stand_in import StandIn, stand_in
from tests.unit.own_process import python


@pytest.fixture
def _short_turns() -> Any:
    """Threads take turns every few instructions."""
    was = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(was)


def at_once(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in threads that begin together; raise what one of them raised."""
    begin, raised = threading.Barrier(count), list[BaseException]()

    def run(number: int) -> None:
        begin.wait()
        try:
            work(number)
        except BaseException as left:  # noqa: BLE001  whatever it is
            raised.append(left)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []


@pytest.mark.usefixtures("_short_turns")
def test_many_threads_write_to_one_span() -> None:
    """Events, links and attributes of eight threads are all there; the first ones of a span too."""
    engine = Engine("ours")
    link = trace.SpanContext(7, 8, is_remote=False)
    for _ in range(30):
        span = engine.tracer.start_span("work")

        def write(number: int, span: trace.Span = span) -> None:
            span.set_attribute(f"own {number}", number)
            span.add_event(f"event {number}")
            span.add_link(link, {"number": number})
            for turn in range(20):
                span.set_attribute("same", turn)
                span.set_attributes({"same": turn, f"other {number}": "x"})

        at_once(8, write)
        span.end()
        (ended,) = engine.finished()
        engine.exporter.clear()
        assert len(ended.attributes or ()) == 17
        assert sorted(event.name for event in ended.events) == [f"event {number}" for number in range(8)]
        assert sorted((one.attributes or {})["number"] for one in ended.links) == list(range(8))  # type: ignore[type-var]


@pytest.mark.usefixtures("_short_turns")
def test_a_span_that_threads_end_at_once_ends_once() -> None:
    engine = Engine("ours")
    for _ in range(50):
        span = engine.tracer.start_span("work")
        at_once(8, lambda _, span=span: span.end())  # type: ignore[misc]
    assert (len(engine.sink.spans), len(engine.finished())) == (50, 50)


@pytest.mark.usefixtures("_short_turns")
def test_a_span_that_was_left_out_has_one_id_for_all_threads() -> None:
    engine = Engine("ours", sampler=ALWAYS_OFF)
    span, seen = engine.tracer.start_span("work"), set[int]()
    at_once(8, lambda _: seen.add(span.get_span_context().span_id))
    assert len(seen) == 1


@pytest.mark.usefixtures("_short_turns")
def test_full_spans_are_written_to_by_many_threads() -> None:
    """At the limit each attribute takes the place of another: no thread finds what another one took away."""
    engine = Engine("ours")
    span = engine.tracer.start_span("work")

    def write(number: int) -> None:
        for turn in range(600):
            span.set_attribute(f"{number}/{turn % 90}", turn)

    at_once(4, write)
    span.end()
    assert len(engine.finished()[0].attributes or ()) <= 128 + 4


class Nowhere:
    """An exporter that drops spans."""

    def put(self, span: Any) -> None:
        """Do nothing."""

    shutdown = force_flush = put


def plain(tracer: trace.Tracer) -> Callable[[], None]:
    def step() -> None:
        with tracer.start_as_current_span("work", attributes={"a": 1, "b": "x"}) as span:
            span.add_event("event", {"c": 2})

    return step


def chain(tracer: trace.Tracer) -> Callable[[], None]:
    """Each span is the child of the one before."""
    last = tracer.start_span("root")

    def step() -> None:
        nonlocal last
        below = tracer.start_span("work", trace.set_span_in_context(last, Context()), attributes={"a": 1})
        last.end()
        last = below

    return step


def never_ended(tracer: trace.Tracer) -> Callable[[], None]:
    def step() -> None:
        tracer.start_span("work", attributes={"a": 1}).add_event("event")

    return step


def linked(tracer: trace.Tracer) -> Callable[[], None]:
    """Each span links to the one before."""
    last = tracer.start_span("first")

    def step() -> None:
        nonlocal last
        last.end()
        last = tracer.start_span("work", links=[Link(last.get_span_context(), {"a": 1})])

    return step


def failing(tracer: trace.Tracer) -> Callable[[], None]:
    def step() -> None:
        try:
            with tracer.start_as_current_span("work"):
                raise ValueError("no")
        except ValueError:
            pass

    return step


def unsampled(tracer: trace.Tracer) -> Callable[[], None]:
    tracer.sampler = ALWAYS_OFF  # type: ignore[attr-defined]
    return chain(tracer)


SHAPES = (plain, chain, never_ended, linked, failing, unsampled)


def grows(shape: Callable[[trace.Tracer], Callable[[], None]], count: int) -> tuple[int, int]:
    """Return by how many blocks and bytes the process grows in `count` spans, after a tenth of them."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.export_to(Nowhere())  # type: ignore[arg-type]
    step, process = shape(provider.get_tracer("tests")), psutil.Process()

    def run(times: int) -> tuple[int, int]:
        for _ in range(times):
            step()
        gc.collect()
        return sys.getallocatedblocks(), process.memory_info().rss

    (blocks, size), (blocks_after, size_after) = run(count // 10), run(count)
    return blocks_after - blocks, size_after - size


@pytest.mark.parametrize("shape", SHAPES)
def test_spans_leave_nothing_behind(shape: Callable[[trace.Tracer], Callable[[], None]]) -> None:
    """200,000 spans in all: blocks and memory stay level. `benchmarks.engine.growth` does ten million."""
    blocks, size = grows(shape, 33_000)
    assert blocks < 300
    assert size < 4 << 20


DEV_MODE: dict[str, Any] = {"PYTHONDEVMODE": "1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
SERVICE = """
import gc, threading, warnings
from opentelemetry import trace
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
assert sys.flags.dev_mode
handle = telemetry.configure("x", endpoint=sys.argv[1], metrics="none")
tracer = trace.get_tracer("theirs")
def work(number):
    with tracer.start_as_current_span(f"work {number}", attributes={"a": [1]}) as span:
        span.add_event("event")
        with telemetry.stage("inner"):
            pass
"""

GEVENT = """
import gevent
gevent.joinall([gevent.spawn(work, number) for number in range(20)], raise_error=True)
show(handle.shutdown(10))
show([handle.stats.recorded, handle.stats.exported])
gc.collect()
"""

FORK = """
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, of a fork with threads
    with tracer.start_as_current_span("open"):
        work(0)
        child = os.fork()
        if not child:
            work(1)
if not child:
    os._exit(0 if handle.shutdown(10) else 1)
assert os.waitpid(child, 0)[1] == 0
work(2)
show(handle.shutdown(10))
show([handle.stats.recorded, handle.stats.exported])
gc.collect()
"""


@pytest.fixture
def collector() -> Any:
    """A collector."""
    with stand_in() as collector:
        yield collector


def test_greenlets_in_dev_mode(collector: StandIn) -> None:
    """Gevent with everything patched: each greenlet has its own current span, and not a warning."""
    before = "from gevent import monkey; monkey.patch_all()\n"
    ended = python(SERVICE + GEVENT, collector.http, before=before, **DEV_MODE)
    assert (ended.status, ended.err, ended.shown) == (0, "", [True, [40, 40]])
    spans = [span for span, _ in collector.spans()]
    roots = {span.span_id for span in spans if span.name != "inner"}
    assert {span.parent_span_id for span in spans if span.name == "inner"} == roots
    assert len(roots) == 20


def test_a_fork_with_an_open_span_in_dev_mode(collector: StandIn) -> None:
    """Both export what they did; the child's spans are below the one that was open, which the parent alone exports."""
    ended = python(SERVICE + FORK, collector.http, **DEV_MODE)
    assert (ended.status, ended.err) == (0, "")
    spans = [span for span, _ in collector.spans()]
    names = sorted(span.name for span in spans if span.name != "inner")
    (parent,) = {span.parent_span_id for span in spans if span.name in {"work 0", "work 1"}}
    assert names == ["open", "work 0", "work 1", "work 2"]
    assert {span.span_id for span in spans if span.name == "open"} == {parent}
    assert ended.shown == [True, [5, 5]]
