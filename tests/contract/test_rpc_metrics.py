"""The durations of calls, the sizes of requests, and the endpoint below its SERVER span."""

from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.sdk.metrics.export import HistogramDataPoint
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import SpanKind

import telemetry
from telemetry import rpc
from tests.contract.rpc_clients import CLIENTS, TRACED, Refused
from tests.contract.rpc_echo import ARITIES, SERVERS, Tasks, Threads, aio_server, threaded_server
from tests.contract.rpc_watch import Watch, watching
from tests.entry import ENTRY


@pytest.fixture(params=[ALWAYS_ON, ALWAYS_OFF], ids=["on", "off"])
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    sampler: Sampler = request.param
    with watching(sampler) as found:
        yield found


def table(points: list[HistogramDataPoint]) -> dict[tuple[Any, ...], int]:
    """Return counts by method, status code and error."""
    keys = ("rpc.method", "rpc.response.status_code", "error.type")
    return {tuple((point.attributes or {}).get(key) for key in keys): point.count for point in points}


@pytest.mark.parametrize("client", TRACED)
@pytest.mark.parametrize("kind", SERVERS)
def test_durations_are_exact_whatever_is_sampled(watch: Watch, client: str, kind: str) -> None:
    """Each call counts once on each side, by method, code and error."""
    serve, make = SERVERS[kind]
    with serve(make()) as target, TRACED[client](target) as call:
        for arity in ARITIES:
            call(arity, "ok")
        for words in ("raise", "abort:NOT_FOUND", "abort:UNAVAILABLE"):
            with pytest.raises(Refused):
                call("unary_unary", words)
        served = watch.counted("rpc.server.call.duration", 7)  # after `abort` the caller knows before the handler does
    succeeded: dict[tuple[Any, ...], int] = {(f"test.Echo/{arity}", "OK", None): 1 for arity in ARITIES}
    unary = "test.Echo/unary_unary"
    assert table(watch.points("rpc.client.call.duration")) == {
        **succeeded,
        (unary, "UNKNOWN", "UNKNOWN"): 1,
        (unary, "NOT_FOUND", "NOT_FOUND"): 1,
        (unary, "UNAVAILABLE", "UNAVAILABLE"): 1,
    }
    assert table(served) == {
        **succeeded,
        (unary, "UNKNOWN", "ValueError"): 1,
        (unary, "NOT_FOUND", None): 1,
        (unary, "UNAVAILABLE", "UNAVAILABLE"): 1,
    }


def test_a_duration_is_that_of_its_span_and_points_at_it(watch: Watch) -> None:
    """The exemplar names the CLIENT and the SERVER span, although they have left the context by then."""
    with aio_server(Tasks()) as target, CLIENTS["aio"](target) as call:
        call("unary_unary", "ok")
    for metric, kind in (("rpc.client.call.duration", SpanKind.CLIENT), ("rpc.server.call.duration", SpanKind.SERVER)):
        (point,) = watch.points(metric)
        for span in watch.ended:
            if span.kind is kind and span.context and span.end_time and span.start_time:
                assert [exemplar.span_id for exemplar in point.exemplars] == [span.context.span_id]
                assert point.sum == pytest.approx((span.end_time - span.start_time) / 1e9)


class Threaded(Threads):
    """An executor with an endpoint, on protobuf messages."""

    @telemetry.endpoint("/search")
    def unary_unary(self, request: Any, servicer: Any) -> Any:
        return request


class Tasked(Tasks):
    """The same in asyncio."""

    @telemetry.endpoint("/search")
    async def unary_unary(self, request: Any, servicer: Any) -> Any:
        return request


def proto(echo: Any) -> Any:
    """Return a handler that speaks protobuf, filed before the one of bytes."""
    return grpc.method_handlers_generic_handler(
        "test.Proto",
        {
            "unary_unary": grpc.unary_unary_rpc_method_handler(
                echo.unary_unary, StringValue.FromString, StringValue.SerializeToString
            )
        },
    )


@pytest.mark.parametrize(("serve", "make"), [(threaded_server, Threaded), (aio_server, Tasked)])
@pytest.mark.parametrize(
    ("arrives", "entry"),
    [
        ({"search.operation": "search"}, True),
        ({}, True),
        ({"search.operation": "search", "search.entry": "false"}, False),
    ],
    ids=["from_upstream", "by_the_endpoint", "inner"],
)
def test_request_sizes_go_by_the_operation(
    watch: Watch, serve: Any, make: Any, arrives: dict[str, str], entry: bool
) -> None:
    """The SERVER side measures the message; the operation came with the baggage, or from the endpoint inside."""
    echo = make()
    message = StringValue(value="winter jacket")
    context = otel_context.Context()
    for name, value in arrives.items():
        context = baggage.set_baggage(name, value, context)
    token = otel_context.attach(context)
    with serve(echo, None, proto(echo)) as target, grpc.insecure_channel(target) as plain:
        channel: Any = grpc.intercept_channel(plain, *rpc.client_interceptors(target))
        method = channel.unary_unary("/test.Proto/unary_unary", StringValue.SerializeToString, StringValue.FromString)
        assert method(message) == message
    otel_context.detach(token)
    (point,) = watch.points("search.request.size")
    assert dict(point.attributes or {}) == {"search.operation": "search", "search.entry": entry}
    assert point.sum == message.ByteSize()


@pytest.mark.parametrize(("serve", "make"), [(threaded_server, Threaded), (aio_server, Tasked)])
def test_an_endpoint_is_the_child_of_its_server_span(serve: Any, make: Any) -> None:
    """Defect 1 of Jina's tracing: there it is a sibling. The SERVER span carries the endpoint's operation."""
    with watching() as watch:
        echo = make()
        with serve(echo) as target, CLIENTS["threads"](target) as call:
            call("unary_unary", "ok")
            assert watch.tree(3) == "unary_unary CLIENT OK\n  unary_unary SERVER OK\n    search"
        operations = {span.name: (span.attributes or {}).get("search.operation") for span in watch.ended}
        server = next(span for span in watch.ended if span.kind is SpanKind.SERVER)
        assert (operations["/search"], (server.attributes or {})["search.operation"]) == ("search", "search")


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_the_exception_event_is_recorded_once_in_a_process(kind: str) -> None:
    """On the innermost span; the endpoint's and the SERVER span above have only the type that it was."""
    with watching() as watch:

        class Failing(Threads):
            @telemetry.endpoint("/search")
            def unary_unary(self, request: bytes, servicer: Any) -> bytes:
                with telemetry.stage("inner"):
                    raise KeyError("boom")

        class AioFailing(Tasks):
            @telemetry.endpoint("/search")
            async def unary_unary(self, request: bytes, servicer: Any) -> bytes:
                with telemetry.stage("inner"):
                    raise KeyError("boom")

        serve, echo = {"threads": (threaded_server, Failing()), "tasks": (aio_server, AioFailing())}[kind]
        with serve(echo) as target, CLIENTS["threads"](target) as call, pytest.raises(Refused):
            call("unary_unary", "ok")
        assert watch.tree(4) == (
            "unary_unary CLIENT UNKNOWN ! UNKNOWN\n"
            "  unary_unary SERVER UNKNOWN ! KeyError\n"
            "    search ! KeyError\n"
            "      inner ! KeyError *KeyError"
        )


@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_an_abort_inside_an_endpoint_records_what_the_caller_got(kind: str) -> None:
    """Without us gRPC leaves by an exception without a message: the spans inside get the status and its words."""

    class Picky(Threads):
        @telemetry.endpoint("/search")
        def unary_unary(self, request: bytes, servicer: Any) -> bytes:
            servicer.abort(grpc.StatusCode.INVALID_ARGUMENT, "the query is empty")
            raise AssertionError

    class AioPicky(Tasks):
        @telemetry.endpoint("/search")
        async def unary_unary(self, request: bytes, servicer: Any) -> bytes:
            await servicer.abort(grpc.StatusCode.INVALID_ARGUMENT, "the query is empty")
            raise AssertionError

    with watching() as watch:
        serve, echo = {"threads": (threaded_server, Picky()), "tasks": (aio_server, AioPicky())}[kind]
        with serve(echo) as target, CLIENTS["threads"](target) as call, pytest.raises(Refused):
            call("unary_unary", "")
        code = "INVALID_ARGUMENT"
        assert watch.tree(3) == (f"unary_unary CLIENT {code} ! {code}\n  unary_unary SERVER {code}\n    search *{code}")
        (endpoint,) = [span for span in watch.ended if span.name == "/search"]
        assert (endpoint.events[0].attributes or {})["exception.message"] == "the query is empty"
        (point,) = watch.points("search.request.duration")
        assert dict(point.attributes or {}) == {**ENTRY, "search.operation": "search", "search.outcome": "rejected"}


def test_the_attributes_of_both_sides() -> None:
    """Today's names beside the older ones; the address called on the client, the caller's on the server."""
    with watching() as watch:
        with threaded_server(Threads()) as target, CLIENTS["threads"](target) as call:
            call("unary_unary", "ok")
            spans = {span.kind: dict(span.attributes or {}) for span in watch.settled(2)}
        both = {
            "rpc.system.name": "grpc",
            "rpc.system": "grpc",
            "rpc.method": "test.Echo/unary_unary",
            "rpc.service": "test.Echo",
            "rpc.response.status_code": "OK",
            "rpc.grpc.status_code": 0,
        }
        host, _, port = target.partition(":")
        assert spans[SpanKind.CLIENT] == {**both, "server.address": host, "server.port": int(port)}
        assert spans[SpanKind.SERVER] == {**both, "network.peer.address": "127.0.0.1"}
        assert {span.name for span in watch.ended} == {"/test.Echo/unary_unary"}
