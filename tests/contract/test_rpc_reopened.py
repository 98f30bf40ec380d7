"""Channels and servers closed and opened again, several at once, with the same interceptors: no span is lost."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

from telemetry import rpc
from tests.contract.rpc_clients import aio_client, outgoing, threaded_client
from tests.contract.rpc_echo import ARITIES, Echo, Tasks, Threads, aio_server, handlers, threaded_server
from tests.contract.rpc_watch import CANCELLED, PATIENCE, Watch, watching

ONE = "unary_unary CLIENT OK\n  unary_unary SERVER OK"


@pytest.fixture(autouse=True)
def watch(caplog: pytest.LogCaptureFixture) -> Iterator[Watch]:
    """The SDK logs a warning for each span that is ended twice."""
    with watching() as found:
        yield found
    assert not [record for record in caplog.records if "ended span" in record.getMessage()]


def words(arity: str, *given: bytes) -> Any:
    """The request of a call: a stream, or all words in one."""
    return iter(given) if arity.startswith("stream") else b" ".join(given)


class TestTheSameInterceptors:
    """One list of them, used again and again."""

    def test_for_servers_and_channels_one_after_the_other(self, watch: Watch) -> None:
        """Three servers and three channels, each closed before the next is opened."""
        ours, theirs = rpc.server_interceptors(), rpc.client_interceptors()
        for _ in range(3):
            with threaded_server(Threads(), ours) as target, threaded_client(target, theirs) as call:
                assert call("unary_unary", "ok") == [b"ok"]
        assert watch.tree(6) == "\n".join([ONE] * 3)

    def test_for_aio_servers_and_channels_in_loops_of_their_own(self, watch: Watch) -> None:
        """Three event loops, one after the other: nothing is kept of a loop that is closed."""
        ours, theirs = rpc.aio_server_interceptors(), rpc.aio_client_interceptors()
        for _ in range(3):
            with aio_server(Tasks(), ours) as target, aio_client(target, theirs) as call:
                assert call("unary_unary", "ok") == [b"ok"]
        assert watch.tree(6) == "\n".join([ONE] * 3)

    def test_for_several_channels_at_once(self, watch: Watch) -> None:
        """Four channels to two servers, all arities in threads: every call is one trace."""
        ours, theirs = rpc.server_interceptors(), rpc.client_interceptors()
        with ExitStack() as stack:
            targets = [stack.enter_context(threaded_server(Threads(), ours)) for _ in range(2)]
            calls = [stack.enter_context(threaded_client(target, theirs)) for target in targets * 2]
            with ThreadPoolExecutor(4) as pool:
                asked = [pool.submit(call, arity, "ok") for call in calls for arity in ARITIES]
                assert [one.result(PATIENCE) for one in asked] == [[b"ok"]] * 16
            expected = [f"{arity} CLIENT OK\n  {arity} SERVER OK" for arity in ARITIES] * 4
            tree = watch.tree(32)
            assert sorted(tree.splitlines()) == sorted("\n".join(expected).splitlines())
            assert len({span.context.trace_id for span in watch.ended if span.context}) == 16

    @pytest.mark.parametrize("kind", ["threads", "aio"])
    def test_of_zero_code(self, watch: Watch, kind: str) -> None:
        """What `instrument_grpc` adds is there in every server and channel that is opened after others were closed."""
        rpc.instrument_grpc()
        try:
            for _ in range(2):
                with ExitStack() as stack:
                    serve, ask = (threaded_server, threaded_client) if kind == "threads" else (aio_server, aio_client)
                    target = stack.enter_context(serve(Threads() if kind == "threads" else Tasks(), ()))
                    call = stack.enter_context(ask(target, ()))
                    assert call("unary_unary", "ok") == [b"ok"]
            assert watch.tree(4) == f"{ONE}\n{ONE}"
        finally:
            rpc.uninstrument_grpc()


@contextmanager
def on_port(port: int, echo: Echo, grace: float | None = None) -> Iterator[tuple[Any, int]]:
    """A server on a port (0: a free one); yields it and its port."""
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool, [handlers(echo)], interceptors=rpc.server_interceptors())
        taken = server.add_insecure_port(f"127.0.0.1:{port}")
        assert taken
        server.start()
        try:
            yield server, taken
        finally:
            server.stop(grace).wait(PATIENCE)


class TestAServerThatComesBack:
    """One channel, which outlives its server."""

    def test_its_calls_are_reported_as_they_ended(self, watch: Watch) -> None:
        """Answered, refused while nobody is there, answered again: one CLIENT span each, with its own status."""
        with ExitStack() as stack:
            with on_port(0, Threads()) as (_, port):
                plain = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{port}"))
                channel = grpc.intercept_channel(plain, *rpc.client_interceptors())
                method = outgoing(channel, "unary_unary")
                assert method(b"ok") == b"ok"
            with pytest.raises(grpc.RpcError):
                method(b"ok")
            with on_port(port, Threads()):
                assert method(b"ok", wait_for_ready=True, timeout=PATIENCE) == b"ok"
            code = "UNAVAILABLE"
            assert watch.tree(5) == f"{ONE}\nunary_unary CLIENT {code} ! {code}\n{ONE}"

    async def test_its_aio_calls_are_reported_as_they_ended(self, watch: Watch) -> None:
        """The same in asyncio."""
        async with served(0, Tasks()) as (_, port):
            target = f"127.0.0.1:{port}"
            channel: Any = grpc.aio.insecure_channel(target, interceptors=rpc.aio_client_interceptors(target))
            method = outgoing(channel, "unary_unary")
            assert await method(b"ok") == b"ok"
        with pytest.raises(grpc.aio.AioRpcError):
            await method(b"ok")
        async with served(port, Tasks()):
            assert await method(b"ok", wait_for_ready=True, timeout=PATIENCE) == b"ok"
        await channel.close()
        code = "UNAVAILABLE"
        tree = await asyncio.to_thread(watch.tree, 5)
        assert tree == f"{ONE}\nunary_unary CLIENT {code} ! {code}\n{ONE}"


@asynccontextmanager
async def served(port: int, echo: Echo) -> AsyncIterator[tuple[Any, int]]:
    """An aio server on a port (0: a free one); yields it and its port."""
    server = grpc.aio.server(None, [handlers(echo)], interceptors=rpc.aio_server_interceptors())
    taken = server.add_insecure_port(f"127.0.0.1:{port}")
    assert taken
    await server.start()
    try:
        yield server, taken
    finally:
        await server.stop(None)


class Streaming(Threads):
    """Sends one message, then waits for the signal to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def unary_stream(self, request: bytes, servicer: Any) -> Iterator[bytes]:
        yield b"one"
        self.reached.set()
        self.go_on.wait(PATIENCE)
        yield b"two"


class AioStreaming(Tasks):
    """The same in asyncio."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def unary_stream(self, request: bytes, servicer: Any) -> AsyncIterator[bytes]:
        yield b"one"
        self.reached.set()
        await asyncio.wait_for(self.go_on.wait(), PATIENCE)
        yield b"two"


class TestAServerThatStopsWithGrace:
    """While streams run."""

    def test_a_stream_that_ends_in_time_ends_well(self, watch: Watch) -> None:
        """The server takes no new call, and lets this one finish: OK on both sides."""
        echo = Streaming()
        with on_port(0, echo) as (server, port), threaded(port) as channel:
            stream = outgoing(channel, "unary_stream")(b"")
            assert next(stream) == b"one"
            assert echo.reached.wait(PATIENCE)
            stopped = server.stop(PATIENCE)
            echo.go_on.set()
            assert list(stream) == [b"two"]
            assert stopped.wait(PATIENCE)
            assert watch.tree(2) == "unary_stream CLIENT OK\n  unary_stream SERVER OK"

    def test_a_stream_that_takes_longer_is_cancelled(self, watch: Watch) -> None:
        """When the grace is over the handler's span ends CANCELLED, and the caller's with what gRPC returned to it."""
        echo = Streaming()
        with on_port(0, echo) as (server, port), threaded(port) as channel:
            stream = outgoing(channel, "unary_stream")(b"")
            assert next(stream) == b"one"
            assert echo.reached.wait(PATIENCE)
            stopped = server.stop(0.05)
            with pytest.raises(grpc.RpcError) as raised:
                list(stream)
            echo.go_on.set()
            assert stopped.wait(PATIENCE)
            code = raised.value.code().name
            assert code != "OK"
            assert watch.tree(2) == f"unary_stream CLIENT {code} ! {code}\n  unary_stream SERVER CANCELLED"

    @pytest.mark.parametrize("in_time", [True, False])
    async def test_an_aio_stream(self, watch: Watch, in_time: bool) -> None:
        """Both in asyncio."""
        echo = AioStreaming()
        async with served(0, echo) as (server, port):
            target = f"127.0.0.1:{port}"
            async with grpc.aio.insecure_channel(target, interceptors=rpc.aio_client_interceptors(target)) as channel:
                stream = outgoing(channel, "unary_stream")(b"")
                assert await stream.read() == b"one"
                assert await asyncio.to_thread(echo.reached.wait, PATIENCE)
                stopping = asyncio.create_task(server.stop(PATIENCE if in_time else 0.05))
                code = "OK"
                if in_time:
                    echo.go_on.set()
                    assert await stream.read() == b"two"
                    assert await stream.read() is grpc.aio.EOF  # type: ignore[attr-defined]
                else:
                    with pytest.raises(grpc.aio.AioRpcError) as raised:
                        await stream.read()
                    code = raised.value.code().name
                await stopping
        error = "" if in_time else f" ! {code}"
        tree = await asyncio.to_thread(watch.tree, 2)
        ended = "OK" if in_time else "CANCELLED"
        assert tree == f"unary_stream CLIENT {code}{error}\n  unary_stream SERVER {ended}"


@contextmanager
def threaded(port: int) -> Iterator[Any]:
    """A channel to a port of this machine."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as plain:
        yield grpc.intercept_channel(plain, *rpc.client_interceptors())


class TestAChannelThatIsClosed:
    """With calls in flight; another one goes on."""

    def test_it_cancels_its_own_calls_and_no_others(self, watch: Watch) -> None:
        """Two futures and two streams end CANCELLED on both sides; the call of the other channel is answered."""
        echo = Threads()
        with on_port(0, echo) as (_, port), threaded(port) as other:
            with threaded(port) as channel:
                calls: list[Any] = []
                for arity in ARITIES:
                    method = outgoing(channel, arity)
                    start = method.future if arity.endswith("unary") else method
                    calls.append(start(words(arity, b"hang")))
                    assert echo.reached.wait(PATIENCE)
                    echo.reached.clear()
            assert [call.code() for call in calls] == [grpc.StatusCode.CANCELLED] * 4
            watch.settled(8)
            assert outgoing(other, "unary_unary")(b"ok") == b"ok"
            found = watch.tree(10).splitlines()
        expected = [line for arity in ARITIES for line in CANCELLED.format(arity).splitlines()]
        assert sorted(found) == sorted([*expected, *ONE.splitlines()])

    async def test_it_cancels_its_own_aio_calls_and_no_others(self, watch: Watch) -> None:
        """The same in asyncio, where the calls are awaited by tasks."""
        echo = Tasks()
        async with served(0, echo) as (_, port):
            target = f"127.0.0.1:{port}"
            ours = rpc.aio_client_interceptors(target)
            other: Any = grpc.aio.insecure_channel(target, interceptors=ours)
            channel: Any = grpc.aio.insecure_channel(target, interceptors=ours)
            waiting = []
            for arity in ARITIES:
                waiting.append(asyncio.create_task(read(outgoing(channel, arity)(words(arity, b"hang")))))
                assert await asyncio.to_thread(echo.reached.wait, PATIENCE)
                echo.reached.clear()
            await channel.close()
            ends = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError | grpc.aio.AioRpcError) for end in ends), ends
            await asyncio.to_thread(watch.settled, 8)
            assert await outgoing(other, "unary_unary")(b"ok") == b"ok"
            await other.close()
        found = (await asyncio.to_thread(watch.tree, 10)).splitlines()
        expected = [line for arity in ARITIES for line in CANCELLED.format(arity).splitlines()]
        assert sorted(found) == sorted([*expected, *ONE.splitlines()])


async def read(call: Any) -> Any:
    """Await a call's response, or its first one."""
    return await call.read() if hasattr(call, "read") else await call
