"""A client traced more than once: one CLIENT span of each call, of all arities and in every style to send requests."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
import grpc.aio
import pytest

from telemetry import rpc
from telemetry.rpc.calls import call as calls
from tests.contract.rpc_clients import outgoing
from tests.contract.rpc_echo import ARITIES, Tasks, Threads, aio_server, threaded_server
from tests.contract.rpc_watch import PATIENCE, Watch, watching

STREAMS = tuple(arity for arity in ARITIES if arity.startswith("stream"))
ONE = "{0} CLIENT OK\n  {0} SERVER OK"


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as found:
        yield found


def intercepted(target: str, times: int) -> Any:
    """Return a channel of `grpc` with our interceptors."""
    channel = grpc.insecure_channel(target)
    for _ in range(times):
        channel = grpc.intercept_channel(channel, *rpc.client_interceptors(target))
    return channel


def instrumented(module: Any, target: str) -> Any:
    """Return a channel that was made while gRPC was instrumented."""
    rpc.instrument_grpc()
    try:
        return module.insecure_channel(target)
    finally:
        rpc.uninstrument_grpc()


def aio_intercepted(target: str, times: int) -> Any:
    """Return a channel of `grpc.aio` with our interceptors."""
    return grpc.aio.insecure_channel(target, interceptors=rpc.aio_client_interceptors(target) * times)


WAYS: dict[str, tuple[Callable[[str], Any], Callable[[str], Any]]] = {
    "interceptors twice": (lambda at: intercepted(at, 2), lambda at: aio_intercepted(at, 2)),
    "traced with interceptors": (
        lambda at: rpc.traced(intercepted(at, 1), at),
        lambda at: rpc.traced(aio_intercepted(at, 1), at),
    ),
    "traced with interceptors twice": (
        lambda at: rpc.traced(intercepted(at, 2), at),
        lambda at: rpc.traced(aio_intercepted(at, 2), at),
    ),
    "traced twice": (
        lambda at: rpc.traced(rpc.traced(grpc.insecure_channel(at), at), at),
        lambda at: rpc.traced(rpc.traced(grpc.aio.insecure_channel(at), at), at),
    ),
    "traced twice with interceptors": (
        lambda at: rpc.traced(rpc.traced(intercepted(at, 1), at), at),
        lambda at: rpc.traced(rpc.traced(aio_intercepted(at, 1), at), at),
    ),
    "instrumented and traced": (
        lambda at: rpc.traced(instrumented(grpc, at), at),
        lambda at: rpc.traced(instrumented(grpc.aio, at), at),
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arity", ARITIES)
def test_one_span(watch: Watch, arity: str, way: str) -> None:
    """By threads, where a stream of requests is an iterator."""
    with threaded_server(Threads()) as target, WAYS[way][0](target) as channel:
        requests = iter([b"ok", b"ok"]) if arity in STREAMS else b"ok ok"
        answer = outgoing(channel, arity)(requests)
        assert b" ".join([answer] if arity.endswith("unary") else answer) == b"ok ok"
        assert watch.tree(2) == ONE.format(arity)
    assert [point.count for point in watch.points("rpc.client.call.duration")] == [1]


async def words() -> AsyncIterator[bytes]:
    yield b"ok"
    yield b"ok"


async def answered(channel: Any, arity: str, style: str) -> list[bytes]:
    """Call, and return the responses."""
    method = outgoing(channel, arity)
    if arity not in STREAMS:
        call = method(b"ok ok")
    elif style == "write":
        call = method()
        await call.write(b"ok")
        await call.write(b"ok")
        await call.done_writing()
    else:
        call = method(words() if style == "async iterator" else iter([b"ok", b"ok"]))
    if arity.endswith("unary"):
        return [await call]
    if style == "iterator":
        return [message async for message in call]
    found = []
    while (message := await call.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]
        found.append(message)
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("arity", "style"),
    [
        *((arity, style) for arity in STREAMS for style in ("iterator", "async iterator", "write")),
        ("unary_unary", "call"),
        ("unary_stream", "iterator"),
        ("unary_stream", "read"),
    ],
)
async def test_one_span_in_asyncio(watch: Watch, arity: str, style: str, way: str) -> None:
    """As above, also where the caller writes the requests and reads the responses one by one."""
    with aio_server(Tasks()) as target:
        async with WAYS[way][1](target) as channel:
            responses = await asyncio.wait_for(answered(channel, arity, style), PATIENCE)
            assert b" ".join(responses) == b"ok ok"
            assert watch.tree(2) == ONE.format(arity)
    assert [point.count for point in watch.points("rpc.client.call.duration")] == [1]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where the contributed interceptors are not imported: ours suppress them, and all below, where they are."""
    monkeypatch.delitem(sys.modules, "opentelemetry.instrumentation.grpc._aio_client", raising=False)


class Mirror(grpc.aio.StreamUnaryClientInterceptor):  # type: ignore[type-arg]
    """An interceptor of the user's: before each call, one of the same method on another channel."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel

    async def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
        assert await outgoing(self.channel, "stream_unary")(words()) == b"ok ok"
        return await continuation(details, requests)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("style", ["iterator", "async iterator", "write"])
async def test_call_within_interceptor(watch: Watch, style: str) -> None:
    """A call that an interceptor makes with requests of its own has a span of its own, also in a written call."""
    with aio_server(Tasks()) as target:
        async with rpc.traced(grpc.aio.insecure_channel(target), target) as other:
            mirror: Any = Mirror(other)
            plain = grpc.aio.insecure_channel(target, interceptors=[mirror])
            async with rpc.traced(plain, target) as channel:
                assert await asyncio.wait_for(answered(channel, "stream_unary", style), PATIENCE) == [b"ok ok"]
                tree = watch.tree(4)
    assert tree.count("CLIENT OK") == tree.count("SERVER OK") == 2
    assert [point.count for point in watch.points("rpc.client.call.duration")] == [2]


@pytest.mark.usefixtures("alone")
async def test_unknown_generator_of_grpc(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where gRPC's generator is not known, a written call has two spans: none is lost."""
    monkeypatch.setattr(calls, "_WRITTEN", None)
    with aio_server(Tasks()) as target:
        async with WAYS["traced with interceptors"][1](target) as channel:
            assert await asyncio.wait_for(answered(channel, "stream_unary", "write"), PATIENCE) == [b"ok ok"]
            tree = watch.tree(3)
    assert (tree.count("CLIENT OK"), tree.count("SERVER OK")) == (2, 1)
