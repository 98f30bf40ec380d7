"""No changed line; and beside the contributed instrumentation, in one process and across the wire."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import grpc
import grpc.aio
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from telemetry import rpc
from tests.contract.rpc_clients import CLIENTS, Refused
from tests.contract.rpc_echo import ARITIES, SERVICE, Tasks, Threads, aio_server, handlers, threaded_server
from tests.contract.rpc_watch import Watch, watching

contributed: Any = import_module("opentelemetry.instrumentation.grpc")  # without types
NAMES = [(module, name) for module in (grpc, grpc.aio) for name in ("server", "insecure_channel", "secure_channel")]


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as found:
        yield found


@pytest.fixture
def globally(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set this test's provider for all: the contributed client takes no other."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", watch.tracing)


@pytest.fixture
def zero_code() -> Iterator[None]:
    rpc.instrument_grpc()
    yield
    rpc.uninstrument_grpc()


@pytest.mark.usefixtures("zero_code")
class TestZeroCode:
    """What `instrument_grpc` reaches."""

    @pytest.mark.parametrize("arity", ARITIES)
    @pytest.mark.parametrize("client", CLIENTS)
    @pytest.mark.parametrize(("serve", "make"), [(threaded_server, Threads), (aio_server, Tasks)])
    def test_servers_and_channels_are_traced(
        self, watch: Watch, serve: Any, make: Any, client: str, arity: str
    ) -> None:
        """Both kinds of both, with the address that is called, which only this way is known by itself."""
        with serve(make(), ()) as target, CLIENTS[client](target, ()) as call:
            call(arity, "ok")
            assert watch.tree(2) == f"{arity} CLIENT OK\n  {arity} SERVER OK"
        (caller,) = [span for span in watch.ended if span.kind is SpanKind.CLIENT]
        attributes = caller.attributes or {}
        host, _, port = target.partition(":")
        assert (attributes["server.address"], attributes["server.port"]) == (host, int(port))

    def test_twice_is_as_once(self, watch: Watch) -> None:
        """A second call changes nothing; nor do interceptors given by hand."""
        rpc.instrument_grpc()
        with aio_server(Tasks()) as target, CLIENTS["aio"](target) as call:
            call("unary_unary", "ok")
            assert watch.tree(2) == "unary_unary CLIENT OK\n  unary_unary SERVER OK"

    def test_interceptors_given_by_position_stay(self, watch: Watch) -> None:
        """A call that a user's interceptor refuses is seen: ours are outside of it."""

        class Refuse(grpc.ServerInterceptor):  # type: ignore[type-arg]
            def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
                def refuse(_: Any, context: Any) -> None:
                    context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")

                return grpc.unary_unary_rpc_method_handler(refuse)

        with ThreadPoolExecutor(2) as pool:
            server = grpc.server(pool, [handlers(Threads())], [Refuse()])
            target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
            server.start()
            with CLIENTS["threads"](target, ()) as call, pytest.raises(Refused):
                call("unary_unary", "ok")
            code = "UNAUTHENTICATED"
            assert watch.tree(2) == f"unary_unary CLIENT {code} ! {code}\n  unary_unary SERVER {code}"
            server.stop(None).wait()

    def test_secure_channels_are_traced(self, watch: Watch) -> None:
        """With credentials, by position or by name."""
        credentials = grpc.local_channel_credentials()
        with ThreadPoolExecutor(2) as pool:
            server = grpc.server(pool, [handlers(Threads())])
            port = server.add_secure_port("127.0.0.1:0", grpc.local_server_credentials())
            target = f"127.0.0.1:{port}"
            server.start()
            with grpc.secure_channel(target, credentials) as channel:
                made: Any = channel
                made.unary_unary(f"/{SERVICE}/unary_unary")(b"ok")

            async def ask() -> None:
                async with grpc.aio.secure_channel(target=target, credentials=credentials) as channel:
                    made: Any = channel
                    await made.unary_unary(f"/{SERVICE}/unary_unary")(b"ok")

            asyncio.run(ask())
            one = "unary_unary CLIENT OK\n  unary_unary SERVER OK"
            assert watch.tree(4) == f"{one}\n{one}"
            server.stop(None).wait()


def test_uninstrument_puts_everything_back() -> None:
    """Every function is the one it was; another's replacement made in between stays."""
    before = [getattr(module, name) for module, name in NAMES]
    rpc.instrument_grpc()
    assert not [name for (module, name), was in zip(NAMES, before, strict=True) if getattr(module, name) is was]
    rpc.uninstrument_grpc()
    rpc.uninstrument_grpc()
    assert [getattr(module, name) for module, name in NAMES] == before


def test_uninstrument_leaves_what_another_put_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taking theirs away with ours would undo more than we did."""
    monkeypatch.setattr(grpc, "server", grpc.server)  # put back what was there when the test is over
    rpc.instrument_grpc()

    theirs: Any = object()
    grpc.server = theirs
    rpc.uninstrument_grpc()
    assert grpc.server is theirs


class TestBesideTheContributedInstrumentation:
    """`opentelemetry-instrumentation-grpc` in use as well."""

    @pytest.mark.parametrize("arity", ARITIES)
    @pytest.mark.parametrize("client", CLIENTS)
    @pytest.mark.parametrize(("serve", "make"), [(threaded_server, Threads), (aio_server, Tasks)])
    @pytest.mark.usefixtures("globally")
    def test_one_span_for_each_side(self, watch: Watch, serve: Any, make: Any, client: str, arity: str) -> None:
        """Installed through their instrumentors, with ours given to servers and channels: no span is doubled."""
        instrumentors = [
            contributed.GrpcInstrumentorServer(), contributed.GrpcInstrumentorClient(),
            contributed.GrpcAioInstrumentorServer(), contributed.GrpcAioInstrumentorClient(),
        ]  # fmt: skip
        for one in instrumentors:
            one.instrument(tracer_provider=watch.tracing)
        try:
            with serve(make()) as target, CLIENTS[client](target) as call:
                call(arity, "ok")
                assert watch.tree(2) == f"{arity} CLIENT OK\n  {arity} SERVER OK"
        finally:
            for one in instrumentors:
                one.uninstrument()
        assert [point.count for point in watch.points("rpc.client.call.duration")] == [1]
        assert [point.count for point in watch.points("rpc.server.call.duration")] == [1]

    @pytest.mark.parametrize(("serve", "make"), [(threaded_server, Threads), (aio_server, Tasks)])
    def test_their_span_gets_the_status_that_they_leave_out(self, watch: Watch, serve: Any, make: Any) -> None:
        """An unhandled exception: theirs alone leaves the SERVER span unset."""
        theirs = (
            contributed.server_interceptor(watch.tracing)
            if serve is threaded_server
            else contributed.aio_server_interceptor(watch.tracing)
        )
        ours = rpc.server_interceptors() if serve is threaded_server else rpc.aio_server_interceptors()
        with serve(make(), [theirs, *ours]) as target:
            with CLIENTS["threads"](target) as call, pytest.raises(Refused):
                call("unary_unary", "raise")
            watch.settled(2)
        (server,) = [span for span in watch.ended if span.kind is SpanKind.SERVER]
        attributes = server.attributes or {}
        assert (attributes["rpc.method"], attributes["error.type"]) == ("test.Echo/unary_unary", "ValueError")
        assert not server.status.is_ok

    @pytest.mark.parametrize("ours", ["client", "server"])
    def test_across_the_wire_it_is_one_trace(self, watch: Watch, ours: str) -> None:
        """A service that uses theirs joins the trace of one that uses ours, either way round."""
        server = None if ours == "server" else [contributed.aio_server_interceptor(watch.tracing)]
        client = None if ours == "client" else contributed.aio_client_interceptors(watch.tracing)
        with aio_server(Tasks(), server) as target, CLIENTS["aio"](target, client) as call:
            call("unary_unary", "ok")
            assert watch.tree(2, codes=False) == "unary_unary CLIENT\n  unary_unary SERVER"
