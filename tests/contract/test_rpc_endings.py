"""Calls that end otherwise than by an answer: cancelled, abandoned, refused, never begun. Every span ends, once."""

import asyncio
import contextlib
import gc
import socket
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio
import grpc.experimental
import pytest

from telemetry import rpc
from tests.contract.rpc_clients import CLIENTS, TRACED, Refused, aio, aio_traced, outgoing, threaded, threaded_traced
from tests.contract.rpc_echo import ARITIES, SERVERS, SERVICE, Echo, Tasks, aio_server
from tests.contract.rpc_watch import CANCELLED, PATIENCE, Watch, watching


@pytest.fixture(autouse=True)
def watch(caplog: pytest.LogCaptureFixture) -> Iterator[Watch]:
    """The SDK logs a warning for each span that is ended twice."""
    with watching() as found:
        yield found
    assert not [record for record in caplog.records if "ended span" in record.getMessage()]


@pytest.fixture(params=["threads", "tasks", "writers"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Echo, str]]:
    serve, kind = SERVERS[request.param]
    echo = kind()
    with serve(echo) as target:
        yield echo, target


async def reached(echo: Echo) -> None:
    assert await asyncio.to_thread(echo.reached.wait, PATIENCE)


class TestThreads:
    """A client of `grpc`."""

    @pytest.fixture(autouse=True, params=["interceptors", "channel"])
    def by(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """All of it holds for both ways to trace a client."""
        if request.param == "channel":
            monkeypatch.setitem(globals(), "threaded", threaded_traced)

    @pytest.mark.parametrize("arity", ["unary_unary", "stream_unary"])
    def test_a_future_that_is_cancelled(self, served: tuple[Echo, str], watch: Watch, arity: str) -> None:
        """`future.cancel()` ends both spans."""
        echo, target = served
        with threaded(target) as channel:
            future = outgoing(channel, arity).future(b"hang" if arity == "unary_unary" else iter([b"hang"]))
            assert echo.reached.wait(PATIENCE)
            assert future.cancel()
            assert watch.tree(2) == CANCELLED.format(arity)

    @pytest.mark.parametrize("arity", ["unary_unary", "stream_unary"])
    def test_a_future_that_succeeds(self, served: tuple[Echo, str], watch: Watch, arity: str) -> None:
        """A future's span ends with the response, whether or not anybody asks for it."""
        with threaded(served[1]) as channel:
            future = outgoing(channel, arity).future(b"ok" if arity == "unary_unary" else iter([b"ok"]))
            assert watch.tree(2) == f"{arity} CLIENT OK\n  {arity} SERVER OK"
            assert future.result() == b"ok"

    @pytest.mark.parametrize("arity", ["unary_stream", "stream_stream"])
    def test_a_stream_that_is_cancelled(self, served: tuple[Echo, str], watch: Watch, arity: str) -> None:
        """`call.cancel()` ends both spans."""
        echo, target = served
        with threaded(target) as channel:
            call = outgoing(channel, arity)(b"ok hang" if arity == "unary_stream" else iter([b"ok", b"hang"]))
            assert next(call) == b"ok"
            assert echo.reached.wait(PATIENCE)
            call.cancel()
            assert watch.tree(2) == CANCELLED.format(arity)

    @pytest.mark.parametrize("arity", ["unary_stream", "stream_stream"])
    def test_a_stream_left_early(self, served: tuple[Echo, str], watch: Watch, arity: str) -> None:
        """Whoever leaves the loop and drops the call cancels it: we must not keep it alive."""
        echo, target = served
        with threaded(target) as channel:

            def leave_early() -> None:
                words = b"ok hang" if arity == "unary_stream" else iter([b"ok", b"hang"])
                for message in outgoing(channel, arity)(words):
                    assert message == b"ok"
                    assert echo.reached.wait(PATIENCE)
                    break

            leave_early()
            gc.collect()
            assert watch.tree(2) == CANCELLED.format(arity)

    @pytest.mark.parametrize("early", [True, False])
    def test_a_stream_that_is_read_in_one_thread(self, served: tuple[Echo, str], watch: Watch, early: bool) -> None:
        """An experiment of gRPC's: nothing happens but while the caller reads; the spans end all the same."""
        echo, target = served
        option = (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1)
        with grpc.insecure_channel(target, [option]) as plain:
            channel = grpc.intercept_channel(plain, *rpc.client_interceptors(target))
            call = outgoing(channel, "unary_stream")(b"ok hang" if early else b"ok ok")
            assert next(call) == b"ok"
            if early:
                assert echo.reached.wait(PATIENCE)
            else:
                assert list(call) == [b"ok"]
            del call
            gc.collect()
            whole = CANCELLED if early else "{0} CLIENT OK\n  {0} SERVER OK"
            assert watch.tree(2) == whole.format("unary_stream")

    def test_a_channel_that_is_closed_under_its_call(self, served: tuple[Echo, str], watch: Watch) -> None:
        """Closing the channel cancels what runs on it."""
        echo, target = served
        with threaded(target) as channel:
            call = outgoing(channel, "unary_stream")(b"hang")
            assert echo.reached.wait(PATIENCE)
        assert watch.tree(2) == CANCELLED.format("unary_stream")
        assert call.code() is grpc.StatusCode.CANCELLED

    @pytest.mark.parametrize("arity", ARITIES)
    def test_a_channel_that_was_closed_before(self, watch: Watch, arity: str) -> None:
        """The ValueError of gRPC itself reaches the caller, and is the span's failure: there never was a status."""
        with threaded("127.0.0.1:9") as channel:
            method = outgoing(channel, arity)
        with pytest.raises(ValueError, match=r"(?i)channel"):
            # a stream raises when it is read
            list(method(b"ok" if arity.startswith("unary") else iter([b"ok"])))
        assert watch.tree(1) == f"{arity} CLIENT ! ValueError *ValueError"

    def test_a_request_that_cannot_be_serialized(self, served: tuple[Echo, str], watch: Watch) -> None:
        """The stand-in status of gRPC is the span's."""
        with threaded(served[1]) as channel:
            method = channel.unary_unary(f"/{SERVICE}/unary_unary", request_serializer=lambda _: 1 / 0)
            with pytest.raises(grpc.RpcError):
                method(b"ok")
        assert watch.tree(1) == "unary_unary CLIENT INTERNAL ! INTERNAL"

    def test_requests_whose_iterator_fails(self, served: tuple[Echo, str], watch: Watch) -> None:
        """The caller's own mistake cancels the call; both spans end.

        An aio handler may take the cancellation for the end of the requests, and answer: then it was served well.
        """

        def requests() -> Iterator[bytes]:
            yield b"ok"
            raise KeyError("mine")

        with threaded(served[1]) as channel, pytest.raises(grpc.RpcError):
            outgoing(channel, "stream_unary")(requests())
        first, second = watch.tree(2).splitlines()
        assert first == "stream_unary CLIENT UNKNOWN ! UNKNOWN"
        assert second in {"  stream_unary SERVER CANCELLED", "  stream_unary SERVER OK"}


class TestTasks:
    """A client of `grpc.aio`."""

    @pytest.fixture(autouse=True, params=["interceptors", "channel"])
    def by(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """As above."""
        if request.param == "channel":
            monkeypatch.setitem(globals(), "aio", aio_traced)

    @pytest.mark.parametrize("arity", ["unary_unary", "stream_unary"])
    async def test_a_task_that_is_cancelled(self, served: tuple[Echo, str], watch: Watch, arity: str) -> None:
        """The task's cancellation goes through, and ends both spans."""
        echo, target = served
        async with aio(target) as channel:

            async def ask() -> None:
                await outgoing(channel, arity)(b"hang" if arity == "unary_unary" else iter([b"hang"]))

            task = asyncio.create_task(ask())
            await reached(echo)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(watch.tree, 2) == CANCELLED.format(arity)

    async def test_a_call_that_is_waited_for_too_long(self, served: tuple[Echo, str], watch: Watch) -> None:
        """`asyncio.wait_for` cancels the call: the caller's own timeout is not gRPC's deadline."""
        async with aio(served[1]) as channel:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(outgoing(channel, "unary_unary")(b"hang"), 0.3)
            assert await asyncio.to_thread(watch.tree, 2) == CANCELLED.format("unary_unary")

    @pytest.mark.parametrize("arity", ["unary_unary", "unary_stream"])
    async def test_a_call_that_is_cancelled(self, served: tuple[Echo, str], watch: Watch, arity: str) -> None:
        """`call.cancel()` ends both spans."""
        echo, target = served
        async with aio(target) as channel:
            call = outgoing(channel, arity)(b"hang")
            await reached_while_reading(echo, call)
            assert call.cancel()
            assert await asyncio.to_thread(watch.tree, 2) == CANCELLED.format(arity)

    async def test_a_call_cancelled_before_it_began(self, served: tuple[Echo, str], watch: Watch) -> None:
        """Nothing was sent: with an interceptor, neither a call nor a span exists yet; the channel's call does."""
        async with aio(served[1]) as channel:
            call = outgoing(channel, "unary_unary")(b"ok")
            assert call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await outgoing(channel, "unary_unary")(b"ok") == b"ok"
            tree = await asyncio.to_thread(watch.tree, 2)
            cancelled = "unary_unary CLIENT CANCELLED ! CANCELLED\n" if aio is aio_traced else ""
            assert tree == f"{cancelled}unary_unary CLIENT OK\n  unary_unary SERVER OK"

    @pytest.mark.parametrize("arity", ["unary_stream", "stream_stream"])
    async def test_a_stream_left_early(self, served: tuple[Echo, str], watch: Watch, arity: str) -> None:
        """`grpc.aio` keeps a call that is dropped running until its channel closes; its spans are open as long."""
        echo, target = served
        async with aio(target) as channel:
            words = b"ok hang" if arity == "unary_stream" else iter([b"ok", b"hang"])
            async for message in outgoing(channel, arity)(words):
                assert message == b"ok"
                await reached(echo)
                break
        assert await asyncio.to_thread(watch.tree, 2) == CANCELLED.format(arity)

    async def test_messages_written_one_by_one(self, served: tuple[Echo, str], watch: Watch) -> None:
        """The writing style works as without us: the call object is there before the first message."""
        async with aio(served[1]) as channel:
            call = outgoing(channel, "stream_stream")()
            for word in (b"ok", b"yes"):
                await call.write(word)
                assert await call.read() == word
            await call.done_writing()
            assert await call.read() is grpc.aio.EOF  # type: ignore[attr-defined]
            tree = await asyncio.to_thread(watch.tree, 2)
            assert tree == "stream_stream CLIENT OK\n  stream_stream SERVER OK"

    async def test_a_channel_that_was_closed_before(self, watch: Watch) -> None:
        """The error of gRPC itself reaches the caller, and is the span's failure."""
        channel = aio("127.0.0.1:9")
        await channel.close()
        with pytest.raises(grpc.aio.UsageError):
            await outgoing(channel, "unary_unary")(b"ok")
        assert "unary_unary CLIENT !" in await asyncio.to_thread(watch.tree, 1)


async def reached_while_reading(echo: Echo, call: Any) -> None:
    """Wait for the handler; a stream needs its interceptors' task to run, which `await` does."""
    await reached(echo)
    assert not call.done()


@pytest.mark.parametrize("client", TRACED)
def test_nobody_listens(client: str, watch: Watch) -> None:
    """UNAVAILABLE, on the CLIENT span alone."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets this port
        with TRACED[client](f"127.0.0.1:{held.getsockname()[1]}") as call, pytest.raises(Refused):
            call("unary_unary", "ok")
    assert watch.tree(1) == "unary_unary CLIENT UNAVAILABLE ! UNAVAILABLE"


@pytest.mark.parametrize("kind", ["threads", "tasks"])
@pytest.mark.parametrize("client", TRACED)
def test_a_method_that_nobody_serves(client: str, kind: str, watch: Watch) -> None:
    """UNIMPLEMENTED on both sides. Callers choose such names, so the server's metrics do not keep them."""
    serve, make = SERVERS[kind]
    with serve(make()) as target, threaded(target) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary(f"/{SERVICE}/nothing")(b"")
    code = "UNIMPLEMENTED"
    assert watch.tree(2) == f"nothing CLIENT {code} ! {code}\n  nothing SERVER {code} ! {code}"
    (point,) = watch.points("rpc.server.call.duration")
    assert (point.attributes or {})["rpc.method"] == "_other"


@pytest.mark.parametrize("arity", ARITIES)
def test_a_server_that_stops(watch: Watch, arity: str) -> None:
    """Calls under way are cancelled; each handler's span ends."""
    echo = Tasks()
    with aio_server(echo) as target, CLIENTS["threads"](target) as call:

        def ask() -> None:
            with contextlib.suppress(Refused):
                call(arity, "hang")

        asking = threading.Thread(target=ask)
        asking.start()
        assert echo.reached.wait(PATIENCE)
    # leaving the block stopped the server without grace, while the client still waited
    asking.join(PATIENCE)
    client, server = watch.tree(2).splitlines()
    assert (client.split()[:2], server) == ([arity, "CLIENT"], f"  {arity} SERVER CANCELLED")
