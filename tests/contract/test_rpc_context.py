"""What crosses the wire, and where a call's span is current."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from opentelemetry import baggage, propagate, trace
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.instrumentation.grpc import filters
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.propagators.textmap import TextMapPropagator

import telemetry
from telemetry import rpc
from telemetry.recording import providers
from telemetry.recording.guard import guard
from tests.contract.rpc_clients import CLIENTS, TRACED, Call
from tests.contract.rpc_echo import (
    ARITIES,
    SERVERS,
    SERVICE,
    Echo,
    Tasks,
    Threads,
    aio_server,
    running_loop,
    threaded_server,
)
from tests.contract.rpc_watch import PATIENCE, Watch, span_id, watching


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as found:
        yield found


@pytest.fixture(params=["threads", "tasks", "threads_on_aio"])
def served(request: pytest.FixtureRequest, watch: Watch) -> Iterator[tuple[Echo, str]]:
    serve, kind = SERVERS[request.param]
    echo = kind()
    with serve(echo) as target:
        yield echo, target


@pytest.fixture
def echo(served: tuple[Echo, str]) -> Echo:
    return served[0]


@pytest.fixture(params=TRACED)
def call(request: pytest.FixtureRequest, served: tuple[Echo, str]) -> Iterator[Call]:
    with TRACED[request.param](served[1]) as found:
        yield found


@pytest.fixture
def propagator() -> Iterator[Any]:
    before = propagate.get_global_textmap()
    yield propagate.set_global_textmap
    propagate.set_global_textmap(before)


class TestMetadata:
    """The caller's metadata arrives as given, beside the trace context."""

    GIVEN = (("tenant", "a"), ("tenant", "b"), ("blob-bin", b"\x00\xff"))

    @pytest.mark.parametrize("arity", ARITIES)
    def test_metadata_is_not_touched(self, call: Call, echo: Echo, watch: Watch, arity: str) -> None:
        """Duplicates, their order and binary keys arrive; a list given by the caller is not changed."""
        given = list(self.GIVEN)
        call(arity, "ok", metadata=given)
        watch.settled(2)
        assert given == list(self.GIVEN)
        assert [pair for pair in echo.metadata if pair[0] in {"tenant", "blob-bin"}] == given
        assert len([key for key, _ in echo.metadata if key == "traceparent"]) == 1

    async def test_the_metadata_of_aio_is_not_touched(self, served: tuple[Echo, str], watch: Watch) -> None:
        """Nor is an object of grpc.aio's own class."""
        echo, target = served
        given = grpc.aio.Metadata(*self.GIVEN)
        async with grpc.aio.insecure_channel(target, interceptors=rpc.aio_client_interceptors(target)) as plain:
            channel: Any = plain
            await channel.unary_unary(f"/{SERVICE}/unary_unary")(b"ok", metadata=given)
        assert tuple(given) == self.GIVEN
        assert [pair for pair in echo.metadata if pair[0] in {"tenant", "blob-bin"}] == list(self.GIVEN)

    def test_a_trace_context_handed_on_is_replaced(self, call: Call, echo: Echo, watch: Watch, propagator: Any) -> None:
        """A gateway that hands on all metadata it received must not make its caller's span the parent again.

        By B3: of several `traceparent` gRPC itself keeps the last one.
        """
        propagator(B3MultiFormat())
        stale = [("x-b3-traceid", "1" * 32), ("x-b3-spanid", "2" * 16), ("x-b3-sampled", "1")]
        call("unary_unary", "ok", metadata=[*stale, ("tenant", "a")])
        assert watch.tree(2) == "unary_unary CLIENT OK\n  unary_unary SERVER OK"
        assert not set(stale[:2]) & set(echo.metadata)
        assert ("tenant", "a") in echo.metadata


class TestPropagation:
    """Whatever propagator is configured is used."""

    @pytest.mark.parametrize("chosen", [B3SingleFormat(), B3MultiFormat(), JaegerPropagator()], ids=["b3", "b3m", "jg"])
    def test_any_propagator(self, call: Call, watch: Watch, propagator: Any, chosen: TextMapPropagator) -> None:
        """B3 and Jaeger carry the trace as W3C does."""
        propagator(chosen)
        call("unary_stream", "ok stage")
        assert watch.tree(3) == "unary_stream CLIENT OK\n  unary_stream SERVER OK\n    stage"

    @pytest.mark.usefixtures("regions")
    def test_baggage_arrives(self, call: Call, echo: Echo, watch: Watch) -> None:
        """All baggage is there for the handler; the allow-listed entries are attributes, the others are not."""
        token = otel_context.attach(baggage.set_baggage("tenant", "a b", baggage.set_baggage("client.region", "de")))
        try:
            call("unary_unary", "ok")
        finally:
            otel_context.detach(token)
        watch.settled(2)
        assert baggage.get_all(echo.contexts[0]) == {"tenant": "a b", "client.region": "de"}
        for span in watch.ended:
            assert (span.attributes or {})["client.region"] == "de"
            assert "tenant" not in (span.attributes or {})

    def test_headers_that_grpc_refuses_are_left_out(
        self, call: Call, echo: Echo, watch: Watch, propagator: Any
    ) -> None:
        """A propagator with capitals, line breaks or binary names must not break the call."""
        propagator(CompositePropagator([Odd(), propagate.get_global_textmap()]))
        assert call("unary_unary", "ok") == [b"ok"]
        assert watch.tree(2) == "unary_unary CLIENT OK\n  unary_unary SERVER OK"
        assert ("x-odd", "fine") in echo.metadata
        assert not {"x-break", "x-odd-bin"} & {key for key, _ in echo.metadata}

    def test_a_propagator_that_fails_costs_only_the_trace(
        self, call: Call, watch: Watch, propagator: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The call is made and answered; the trace breaks at the wire."""
        monkeypatch.setattr(guard, "strict", False)
        propagator(Broken())
        assert call("unary_unary", "ok") == [b"ok"]
        assert watch.tree(2) == "unary_unary CLIENT OK\nunary_unary SERVER OK"

    def test_a_span_around_the_start_of_a_server_is_not_a_parent(self, watch: Watch) -> None:
        """An aio server's tasks inherit the context of `start()`: a call without a trace begins one all the same."""
        echo = Tasks()
        with watch.tracer.start_as_current_span("startup"), aio_server(echo) as target, running_loop() as loop:

            async def plain() -> bytes:
                async with grpc.aio.insecure_channel(target) as plain:
                    channel: Any = plain
                    answer: bytes = await channel.unary_unary(f"/{SERVICE}/unary_unary")(b"ok")
                    return answer

            assert asyncio.run_coroutine_threadsafe(plain(), loop).result(PATIENCE) == b"ok"
        assert watch.tree(2) == "startup\nunary_unary SERVER OK"


class Odd(TextMapPropagator):
    """Sets headers that gRPC would refuse a call for."""

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None:
        carrier.update({"X-Odd": "fine", "x-break": "a\nb", "x-odd-bin": "text"})

    def extract(self, carrier: Any, context: Context | None = None, getter: Any = None) -> Context:
        return context or Context()

    @property
    def fields(self) -> set[str]:
        return {"X-Odd"}


class Broken(Odd):
    """Fails both ways."""

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None:
        raise RuntimeError("inject")

    def extract(self, carrier: Any, context: Context | None = None, getter: Any = None) -> Context:
        raise RuntimeError("extract")


class TestWhereASpanIsCurrent:
    """Inside the handler, nowhere else."""

    @pytest.mark.parametrize("arity", ARITIES)
    def test_handlers_run_inside_their_server_span(self, call: Call, echo: Echo, watch: Watch, arity: str) -> None:
        """At each message, and a span of the user's own is its child."""
        call(arity, "ok", "ok")
        (server,) = [span for span in watch.settled(2) if span.kind is trace.SpanKind.SERVER]
        assert server.context is not None
        assert {span_id(context) for context in echo.contexts} == {server.context.span_id}

    @pytest.mark.parametrize("arity", ["unary_stream", "stream_stream"])
    def test_the_loop_over_responses_is_outside(self, served: tuple[Echo, str], watch: Watch, arity: str) -> None:
        """A client's loop body sees the caller's span, not the CLIENT span."""
        target = served[1]
        with grpc.insecure_channel(target) as plain, watch.tracer.start_as_current_span("caller") as caller:
            channel: Any = grpc.intercept_channel(plain, *rpc.client_interceptors(target))
            words = b"ok ok" if arity == "unary_stream" else iter([b"ok", b"ok"])
            seen = [trace.get_current_span() for _ in getattr(channel, arity)(f"/{SERVICE}/{arity}")(words)]
        assert seen == [caller, caller]

    @pytest.mark.parametrize("arity", ["unary_stream", "stream_stream"])
    async def test_the_loop_over_aio_responses_is_outside(
        self, served: tuple[Echo, str], watch: Watch, arity: str
    ) -> None:
        """The same in a task."""
        target = served[1]
        interceptors = rpc.aio_client_interceptors(target)
        with watch.tracer.start_as_current_span("caller") as caller:
            async with grpc.aio.insecure_channel(target, interceptors=interceptors) as channel:
                words = b"ok ok" if arity == "unary_stream" else iter([b"ok", b"ok"])
                call = getattr(channel, arity)(f"/{SERVICE}/{arity}")(words)
                assert [trace.get_current_span() async for _ in call] == [caller, caller]

    @pytest.mark.parametrize("client", CLIENTS)
    def test_requests_are_made_inside_the_client_span(self, watch: Watch, client: str) -> None:
        """A stream of requests is drawn in a thread or task of gRPC's own; a stage there is the call's."""

        def requests() -> Iterator[bytes]:
            with telemetry.stage("made"):
                yield b"ok"

        async def aio_requests() -> AsyncIterator[bytes]:
            with telemetry.stage("made"):
                yield b"ok"

        with threaded_server(Threads()) as target, watch.tracer.start_as_current_span("caller"):
            if client == "threads":
                with grpc.insecure_channel(target) as plain:
                    channel: Any = grpc.intercept_channel(plain, *rpc.client_interceptors(target))
                    assert channel.stream_unary(f"/{SERVICE}/stream_unary")(requests()) == b"ok"
            else:

                async def ask() -> bytes:
                    interceptors = rpc.aio_client_interceptors(target)
                    async with grpc.aio.insecure_channel(target, interceptors=interceptors) as aio_plain:
                        channel: Any = aio_plain
                        answer: bytes = await channel.stream_unary(f"/{SERVICE}/stream_unary")(aio_requests())
                        return answer

                assert asyncio.run(ask()) == b"ok"
        tree = watch.tree(4)
        assert tree.startswith("caller\n  stream_unary CLIENT OK\n    ")
        assert sorted(tree.splitlines()[2:]) == ["    made", "    stream_unary SERVER OK"]


class TestWhatIsLeftOut:
    """Calls that are nobody's request."""

    @pytest.mark.parametrize("serve", [threaded_server, aio_server])
    def test_health_checks(self, watch: Watch, serve: Any) -> None:
        """No span, no metric; but the caller's trace passes through to the handler."""
        contexts: list[Context] = []

        class Health(health.HealthServicer):
            def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
                contexts.append(otel_context.get_current())
                return super().Check(request, context)

        made = grpc.method_handlers_generic_handler(
            "grpc.health.v1.Health",
            {
                "Check": grpc.unary_unary_rpc_method_handler(
                    Health().Check,
                    health_pb2.HealthCheckRequest.FromString,
                    health_pb2.HealthCheckResponse.SerializeToString,
                )
            },
        )
        with serve(Threads(), None, made) as target, grpc.insecure_channel(target) as plain:
            channel = grpc.intercept_channel(plain, *rpc.client_interceptors(target))
            with watch.tracer.start_as_current_span("prober") as prober:
                answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert [span.name for span in watch.settled(1)] == ["prober"]
        assert [span_id(context) for context in contexts] == [prober.get_span_context().span_id]
        assert not watch.points("rpc.server.call.duration")
        assert not watch.points("rpc.client.call.duration")

    @pytest.mark.parametrize("client", CLIENTS)
    @pytest.mark.parametrize("kind", ["threads", "tasks"])
    def test_filters_of_the_contributed_instrumentation(self, watch: Watch, client: str, kind: str) -> None:
        """They are used as they are, on both sides."""
        chosen = filters.negate(filters.method_name("unary_unary"))
        server = {"threads": rpc.server_interceptors, "tasks": rpc.aio_server_interceptors}[kind]
        caller = {"threads": rpc.client_interceptors, "aio": rpc.aio_client_interceptors}[client]
        serve, make = SERVERS[kind]
        with serve(make(), server(filter_=chosen)) as target:
            with CLIENTS[client](target, caller(target, filter_=chosen)) as call:
                call("unary_unary", "ok")
                call("unary_stream", "ok")
            assert watch.tree(2) == "unary_stream CLIENT OK\n  unary_stream SERVER OK"

    def test_a_filter_that_fails_leaves_the_call_traced(self, watch: Watch) -> None:
        """A mistake of the user's is not to cost the call, nor its trace."""

        def broken(_: Any) -> bool:
            raise KeyError("mine")

        with threaded_server(Threads(), rpc.server_interceptors(broken)) as target:
            with CLIENTS["threads"](target, rpc.client_interceptors(filter_=broken)) as call:
                assert call("unary_unary", "ok") == [b"ok"]
            assert watch.tree(2) == "unary_unary CLIENT OK\n  unary_unary SERVER OK"

    def test_calls_of_exporters_are_not_traced(self, call: Call, echo: Echo, watch: Watch) -> None:
        """Where OpenTelemetry declares that instrumentation is suppressed, nothing is made, and nothing sent along."""
        with suppress_instrumentation():
            call("unary_unary", "ok")
        assert [span.kind for span in watch.settled(1)] == [trace.SpanKind.SERVER]
        assert "traceparent" not in dict(echo.metadata)

    def test_telemetry_that_is_off(self, call: Call, echo: Echo, watch: Watch) -> None:
        """Calls pass through untouched."""
        providers.set_current(None, None)
        assert call("stream_stream", "ok", "ok") == [b"ok", b"ok"]
        assert watch.ended == []
        assert "traceparent" not in dict(echo.metadata)
        assert otel_context.get_current() == echo.contexts[0] == {}


class TestInstalledTwice:
    """Our interceptors given twice make one span."""

    @pytest.mark.parametrize("arity", ARITIES)
    @pytest.mark.parametrize("client", CLIENTS)
    @pytest.mark.parametrize("kind", ["threads", "tasks"])
    def test_twice_on_both_sides(self, watch: Watch, client: str, kind: str, arity: str) -> None:
        """The inner one steps aside."""
        server = {"threads": rpc.server_interceptors, "tasks": rpc.aio_server_interceptors}[kind]
        caller = {"threads": rpc.client_interceptors, "aio": rpc.aio_client_interceptors}[client]
        serve, make = SERVERS[kind]
        with serve(make(), server() + server()) as target:
            with CLIENTS[client](target, caller(target) + caller(target)) as call:
                call(arity, "ok")
            assert watch.tree(2) == f"{arity} CLIENT OK\n  {arity} SERVER OK"
        assert [point.count for point in watch.points("rpc.client.call.duration")] == [1]

    @pytest.mark.parametrize("kind", ["threads", "tasks"])
    def test_a_method_that_nobody_serves_is_counted_once(self, watch: Watch, kind: str) -> None:
        """No handler steps aside there: the outer interceptor knows that the inner one has recorded the call."""
        server = {"threads": rpc.server_interceptors, "tasks": rpc.aio_server_interceptors}[kind]
        serve, make = SERVERS[kind]
        with serve(make(), server() + server()) as target, CLIENTS["threads"](target) as call:
            call("unary_unary", "ok")
            with grpc.insecure_channel(target) as channel:
                nothing: Any = channel.unary_unary(f"/{SERVICE}/nothing", None, None)
                for _ in range(2):
                    with pytest.raises(grpc.RpcError):
                        nothing(b"")
            assert watch.tree(4) == (
                "unary_unary CLIENT OK\n  unary_unary SERVER OK" + 2 * "\nnothing SERVER UNIMPLEMENTED ! UNIMPLEMENTED"
            )
        assert sorted(point.count for point in watch.points("rpc.server.call.duration")) == [1, 2]
