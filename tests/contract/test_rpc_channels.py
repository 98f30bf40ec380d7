"""Channels of ours (`telemetry.rpc.traced`): what only they have to keep.

Trees, ends and metrics are tested with all ways to trace a client.
"""

import asyncio
import queue
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.instrumentation import grpc as contributed
from opentelemetry.instrumentation.grpc import filters
from opentelemetry.instrumentation.grpc.grpcext import intercept_channel as with_theirs

from telemetry import rpc
from tests.contract.rpc_clients import outgoing
from tests.contract.rpc_echo import SERVICE, Tasks, Threads, aio_server, threaded_server
from tests.contract.rpc_watch import PATIENCE, Watch, watching

UNARY = f"/{SERVICE}/unary_unary"
ONE = "unary_unary CLIENT OK\n  unary_unary SERVER OK"


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as found:
        yield found


def test_what_is_not_a_call_is_the_channels_own() -> None:
    """Connectivity, and closing: calls on a closed channel raise what gRPC raises."""
    seen: queue.Queue[grpc.ChannelConnectivity] = queue.Queue()
    with threaded_server(Threads()) as target:
        plain, threads = grpc.insecure_channel(target), set(threading.enumerate())
        with rpc.traced(plain, target) as channel:
            assert isinstance(channel, grpc.Channel)
            channel.subscribe(seen.put, try_to_connect=True)
            while seen.get(timeout=PATIENCE) is not grpc.ChannelConnectivity.READY:
                pass
            channel.unsubscribe(seen.put)
            grpc.channel_ready_future(channel).result(PATIENCE)
            for watching_it in set(threading.enumerate()) - threads:  # gRPC's: it raises where the channel is closed
                watching_it.join(PATIENCE)
        for closed in (plain, channel):
            with pytest.raises(ValueError, match="closed channel"):
                outgoing(closed, "unary_unary")(b"ok")


async def test_what_is_not_a_call_is_the_channels_own_in_asyncio() -> None:
    """As above."""
    with aio_server(Tasks()) as target:
        plain = grpc.aio.insecure_channel(target)
        async with rpc.traced(plain, target) as channel:
            assert isinstance(channel, grpc.aio.Channel)
            before = channel.get_state(try_to_connect=True)
            if before is not grpc.ChannelConnectivity.READY:
                await asyncio.wait_for(channel.wait_for_state_change(before), PATIENCE)
            await asyncio.wait_for(channel.channel_ready(), PATIENCE)
            assert channel.get_state() is grpc.ChannelConnectivity.READY
        for closed in (plain, channel):
            with pytest.raises(grpc.aio.UsageError, match="closed"):
                await outgoing(closed, "unary_unary")(b"ok")


def test_every_way_to_call(watch: Watch) -> None:
    """By position and by name, with gRPC's object of the call, with metadata and a deadline, by a generated stub."""
    with threaded_server(Threads()) as target, rpc.traced(grpc.insecure_channel(target), target) as channel:
        unary = outgoing(channel, "unary_unary")
        assert unary(request=b"ok", timeout=PATIENCE, metadata=(("tenant", "a"),), wait_for_ready=True) == b"ok"
        response, call = unary.with_call(b"ok", PATIENCE)
        assert (response, call.code()) == (b"ok", grpc.StatusCode.OK)
        assert outgoing(channel, "stream_unary")(iter([b"ok"]), PATIENCE) == b"ok"
        assert outgoing(channel, "stream_unary").with_call(iter([b"ok"]))[0] == b"ok"
        assert list(outgoing(channel, "unary_stream")(b"ok", timeout=PATIENCE)) == [b"ok"]
        assert watch.tree(10).count("CLIENT OK") == 5
        with pytest.raises(grpc.RpcError):  # the health service is not there, and its calls are not traced
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert [span.name for span in watch.ended if "Health" in span.name] == []


async def test_every_way_to_call_in_asyncio(watch: Watch) -> None:
    """As above; metadata as gRPC's class and as pairs."""
    with aio_server(echo := Tasks()) as target:
        async with rpc.traced(grpc.aio.insecure_channel(target), target) as channel:
            unary = outgoing(channel, "unary_unary")
            for metadata in (grpc.aio.Metadata(("tenant", "a")), (("tenant", "a"),), grpc.aio.Metadata(), None):
                assert await unary(b"ok", timeout=PATIENCE, metadata=metadata, wait_for_ready=True) == b"ok"
                sent = dict(echo.metadata)
                assert "traceparent" in sent
                assert sent.get("tenant") == ("a" if metadata else None)
            assert await outgoing(channel, "stream_unary")(request_iterator=iter([b"ok"])) == b"ok"
            assert [one async for one in outgoing(channel, "unary_stream")(b"ok")] == [b"ok"]
            with pytest.raises(grpc.aio.AioRpcError):
                await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert watch.tree(12).count("CLIENT OK") == 6


def chosen(details: Any) -> bool:
    """Trace what the contributed filter selects: it reads the method and the metadata of gRPC's details."""
    assert details.timeout is None
    return filters.negate(filters.method_name("unary_unary"))(details)


def test_filters(watch: Watch) -> None:
    """They see a call as an interceptor's filter does; one that raises leaves it traced."""
    with threaded_server(Threads(), ()) as target, grpc.insecure_channel(target) as plain:
        channel = rpc.traced(plain, target, chosen)
        assert outgoing(channel, "unary_unary")(b"ok") == b"ok"
        assert list(outgoing(channel, "unary_stream")(b"ok")) == [b"ok"]
        assert watch.tree(1) == "unary_stream CLIENT OK"
        assert outgoing(channel, "unary_unary")(b"ok", PATIENCE) == b"ok"
        assert "unary_unary CLIENT OK" in watch.tree(2)


class Refusing(grpc.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    """An interceptor of the user's that asks nobody."""

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        raise PermissionError("not you")


def test_interceptors_of_the_users_on_both_sides_of_ours(watch: Watch) -> None:
    """Those of the channel are inside our span, those that are put around ours are outside."""
    with threaded_server(Threads()) as target, grpc.insecure_channel(target) as plain:
        inside = rpc.traced(grpc.intercept_channel(plain, Refusing()), target)
        outside = grpc.intercept_channel(rpc.traced(plain, target), Refusing())
        for channel in (inside, outside):
            with pytest.raises(PermissionError):
                outgoing(channel, "unary_unary")(b"ok")
        assert watch.tree(1) == "unary_unary CLIENT ! PermissionError *PermissionError"


@pytest.mark.parametrize("again", ["channel", "interceptors", "contributed", "contributed outside"])
def test_twice_is_one_span(watch: Watch, again: str) -> None:
    """Ours given twice, and beside the contributed interceptors."""
    theirs = contributed.client_interceptor(watch.tracing)  # type: ignore[no-untyped-call]
    with threaded_server(Threads()) as target, grpc.insecure_channel(target) as plain:
        channel = {
            "channel": lambda: rpc.traced(rpc.traced(plain, target), target),
            "interceptors": lambda: rpc.traced(grpc.intercept_channel(plain, *rpc.client_interceptors(target)), target),
            "contributed": lambda: rpc.traced(with_theirs(plain, theirs), target),  # type: ignore[no-untyped-call]
            "contributed outside": lambda: with_theirs(rpc.traced(plain, target), theirs),  # type: ignore[no-untyped-call]
        }[again]()
        assert outgoing(channel, "unary_unary")(b"ok") == b"ok"
        assert watch.tree(2) == ONE
    assert [point.count for point in watch.points("rpc.client.call.duration")] == [1]


@pytest.mark.parametrize("again", ["channel", "interceptors", "contributed"])
async def test_twice_is_one_span_in_asyncio(watch: Watch, again: str) -> None:
    """As above."""
    theirs = contributed.aio_client_interceptors(watch.tracing)  # type: ignore[no-untyped-call]
    with aio_server(Tasks()) as target:
        interceptors = {"interceptors": rpc.aio_client_interceptors(target), "contributed": theirs}.get(again)
        plain = grpc.aio.insecure_channel(target, interceptors=interceptors)
        async with rpc.traced(rpc.traced(plain, target) if again == "channel" else plain, target) as channel:
            assert await outgoing(channel, "unary_unary")(b"ok") == b"ok"
        assert watch.tree(2) == ONE
    assert [point.count for point in watch.points("rpc.client.call.duration")] == [1]
