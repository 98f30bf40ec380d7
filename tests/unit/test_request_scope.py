"""What the spans of one request in one process share: its baggage, parsed once, and what its SERVER span is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import telemetry
from telemetry import conventions as c
from telemetry.api import endpoint as endpoint_module
from telemetry.recording import providers
from telemetry.recording.request import baggage as request_baggage
from telemetry.recording.request import scope as request_scope
from telemetry.recording.request.baggage import BAGGAGE
from telemetry.recording.request.scope import SCOPE_KEY, Scope
from telemetry.recording.runs import recorder
from telemetry.recording.traces import tracer_provider
from telemetry.rpc.calls import call as rpc
from telemetry.rpc.calls.call import Call
from telemetry.rpc.calls.names import method_of
from telemetry.rpc.calls.outcome import CLIENT, OK, SERVER, Outcome
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans

METHOD = method_of("/shop.Search/Find")
SEARCH = {c.SEARCH_OPERATION.name: "search", c.SEARCH_ENTRY.name: c.INNER}
INDEX = {c.SEARCH_OPERATION.name: "index", c.SEARCH_ENTRY.name: c.INNER}


def served(scope: Scope, baggage: dict[str, str] | None = None, adopted: trace.Span | None = None) -> Call:
    context = Context() if baggage is None else Context({BAGGAGE: baggage})
    return Call(SERVER, METHOD, context, {}, adopted, None, scope)


@contextmanager
def within(context: Context) -> Iterator[None]:
    token = otel_context.attach(context)
    yield
    otel_context.detach(token)


class Counted(dict[str, str]):
    """A baggage that counts how often it is parsed."""

    parsed = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.parsed += key == c.SEARCH_OPERATION.name
        return super().get(key, default)


def test_the_baggage_of_a_request_is_parsed_once(spans: Spans, metrics: Metrics) -> None:
    """For the SERVER span, an endpoint, its stages and its calls; a baggage that the handler sets is another one."""
    counted = Counted(SEARCH)
    server = served(Scope(), counted)
    with within(server.context), telemetry.endpoint("/find"), telemetry.stage("one"):
        Call(CLIENT, METHOD, otel_context.get_current(), {}).end(OK)
        with telemetry.stage("two"):
            pass
        with within(Context({**otel_context.get_current(), BAGGAGE: INDEX})), telemetry.stage("three"):
            pass
        with telemetry.stage("four"):
            pass
    server.end(OK)
    assert (counted.parsed, server.baggage.operation) == (2, "search")  # for "four" again: "three" had another one
    operations = {one["search.stage"]: one["search.operation"] for one in metrics.series("search.stage.duration")}
    assert operations == {"one": "search", "two": "search", "three": "index", "four": "search"}
    assert [(span.attributes or {})["search.operation"] for span in spans] == [
        "search", "search", "index", "search", "search", "search", "search",
    ]  # fmt: skip


class Shared(Scope):
    """A scope in which another thread, with a baggage of its own, writes between any two looks at it."""

    def __init__(self) -> None:
        self.looks = 0

    @property
    def parsed(self) -> Any:
        self.looks += 1
        mine, other = SEARCH, INDEX
        entries = mine if self.looks % 2 else other
        return entries, request_baggage.request_baggage({BAGGAGE: entries})

    @parsed.setter
    def parsed(self, _: Any) -> None: ...


def test_threads_of_a_request_with_a_baggage_each_take_their_own(spans: Spans, metrics: Metrics) -> None:
    """Entries and what they were parsed into belong together."""
    with within(Context({SCOPE_KEY: Shared(), BAGGAGE: SEARCH})), telemetry.endpoint("/find"):
        pass
    assert [one["search.operation"] for one in metrics.series("search.request.duration")] == ["search"]
    call = Call(CLIENT, METHOD, Context({SCOPE_KEY: Shared(), BAGGAGE: SEARCH}), {})
    assert call.end(OK)
    assert call.baggage.operation == "search"
    with within(Context({SCOPE_KEY: Shared(), BAGGAGE: SEARCH})), telemetry.stage("one"):
        pass
    assert (spans.one("one").attributes or {})["search.operation"] == "search"


def test_where_the_key_of_the_baggage_is_not_known_the_api_is_asked(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is private: OpenTelemetry may rename it."""
    for module in (request_baggage, request_scope, recorder, endpoint_module, rpc):
        monkeypatch.setattr(module, "BAGGAGE", "")
    server = served(Scope(), SEARCH)
    with within(server.context), telemetry.endpoint("/find"), telemetry.stage("one"):
        Call(CLIENT, METHOD, otel_context.get_current(), {}).end(OK)
    server.end(OK)
    assert [(span.attributes or {})["search.operation"] for span in spans] == ["search"] * 4


class Interrupted(dict[str, Any]):
    """Attributes in the middle of whose copy another thread describes the request."""

    def __init__(self, scope: Scope, **attributes: Any) -> None:
        super().__init__(attributes)
        self.scope = scope

    def items(self) -> Any:
        self.scope.describe({"minibatch_size": 8}, are_short=True)
        return super().items()

    def keys(self) -> Any:
        return dict(self.items()).keys()

    def __iter__(self) -> Any:
        return iter(self.keys())


@pytest.mark.parametrize("before", [{}, {"search.operation": "search"}])
def test_threads_that_describe_a_request_lose_nothing(before: dict[str, Any]) -> None:
    """Parallel stages with a model, a minibatch size, a collection."""
    scope = Scope()
    served(scope)
    if before:
        scope.describe(before, are_short=True)
    scope.describe(Interrupted(scope, model="m"), are_short=True)
    assert scope.described == {**before, "model": "m", "minibatch_size": 8}


@pytest.mark.parametrize("engine", [TracerProvider, tracer_provider.TracerProvider], ids=["sdk", "ours"])
@pytest.mark.parametrize("outcome", [OK, Outcome(None, error=ValueError("no")), Outcome(grpc.StatusCode.INTERNAL)])
@pytest.mark.parametrize("most", [2, 4, 128])
def test_the_server_span_gets_what_the_request_uses(engine: Any, outcome: Outcome, most: int) -> None:
    """However it ends, and within the limits of spans; what the handler has set stays."""
    ended = InMemorySpanExporter()
    provider = engine(span_limits=SpanLimits(max_span_attributes=most), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ended))
    with providers.override(tracer=provider.get_tracer("test")):
        scope = Scope()
        server = served(scope)
        scope.describe({"model": "theirs", "minibatch_size": 8}, are_short=True)
        server.span.set_attributes({"model": "mine"})
        assert server.end(outcome)
    (span,) = ended.get_finished_spans()
    found = dict(span.attributes or {})
    assert len(found) <= most
    assert "rpc.response.status_code" in found or outcome.code is None
    if most > 2 + len(METHOD.attributes):
        assert (found["model"], found["minibatch_size"]) == ("mine", 8)


class Theirs(trace.NonRecordingSpan):
    """A span of a provider that has no public `attributes`."""

    def __init__(self) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.set: dict[str, Any] = {}
        self.has_ended = False

    def is_recording(self) -> bool:
        return not self.has_ended

    def set_attributes(self, attributes: Any) -> None:
        self.set |= attributes

    def end(self, end_time: int | None = None) -> None:
        self.has_ended = True


@pytest.mark.usefixtures("spans")
def test_a_span_of_another_instrumentation_gets_it_and_is_left_open() -> None:
    """Its own instrumentation ends it."""
    theirs = Theirs()
    for model in ("m", "late"):
        scope = Scope()
        server = served(scope, adopted=theirs)
        scope.describe({"model": model}, are_short=True)
        assert server.end(OK)
        assert (theirs.set["model"], theirs.has_ended) == ("m", model == "late")
        theirs.end()


@pytest.mark.parametrize("most", [9, 128])
@pytest.mark.parametrize("engine", [TracerProvider, tracer_provider.TracerProvider], ids=["sdk", "ours"])
def test_an_endpoint_names_the_operation_that_arrived_anew(engine: Any, most: int) -> None:
    """The SERVER span begins with the one of the caller; the handler asks for another one."""
    exporter = InMemorySpanExporter()
    provider = engine(span_limits=SpanLimits(max_span_attributes=most), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with providers.override(tracer=provider.get_tracer("test")):
        server = served(Scope(), {c.SEARCH_OPERATION.name: "gateway"})
        with within(server.context), telemetry.request("/search"), telemetry.endpoint("/search"):
            pass
        server.end(OK)
    (span,) = (one for one in exporter.get_finished_spans() if one.kind is trace.SpanKind.SERVER)
    assert (span.attributes or {})["search.operation"] == "search"
