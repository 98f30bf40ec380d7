"""The demo's small runtime: endpoints, threads, status codes, ports."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry import baggage

import telemetry
from demo_flow.encoders import BadPicture, EncoderUnavailable
from demo_flow.errors import CallerError
from demo_flow.flow import CLIP_ENCODER, GATEWAY
from demo_flow.index import IndexUnavailable, UnknownCollection
from demo_flow.proto.pamazon_pb2 import Document, Parameters, ProcessRequest, ProcessResponse
from demo_flow.proto.pamazon_pb2_grpc import ExecutorStub
from demo_flow.serving.client import ExecutorClient
from demo_flow.serving.dispatch import Dispatcher
from demo_flow.serving.endpoints import Documents, endpoints_of, requests
from demo_flow.serving.errors import MISTAKES, NotReady, UnknownEndpoint, status_of
from demo_flow.serving.ports import PortTaken
from demo_flow.serving.server import serve
from demo_flow.serving.statuses import CALLERS
from demo_flow.serving.threads import in_pool, one_ahead
from telemetry.batching import BatcherClosed, QueueFull
from telemetry.context import ThreadPoolExecutor


class Echo:
    @requests(on=("/search", "/index"))
    async def echo(self, docs: Documents, parameters: Parameters) -> Documents:
        return docs

    @requests(on="/delete")
    async def nothing(self, docs: Documents, parameters: Parameters) -> Documents:
        return []

    async def close(self) -> None: ...


class Aborted(Exception):
    """What gRPC raises out of `abort`."""


class Context:
    """As much of a servicer context as the dispatcher needs."""

    code: grpc.StatusCode | None = None
    words = ""

    async def abort(self, code: grpc.StatusCode, words: str) -> None:
        self.code, self.words = code, words
        raise Aborted


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """A server in this process takes its signals; they are given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_each_endpoint_finds_its_bound_method() -> None:
    """One method may serve several endpoints; methods without the mark serve none."""
    echo = Echo()
    assert endpoints_of(echo) == {"/search": echo.echo, "/index": echo.echo, "/delete": echo.nothing}


async def test_the_dispatcher_runs_the_endpoints_method() -> None:
    """What the executor returns is what the caller gets."""
    dispatcher = Dispatcher("echo")
    dispatcher.ready(Echo())
    docs = [Document(id="1")]
    assert await dispatcher.run("/index", docs, Parameters(), Context()) is docs  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ready", "endpoint", "code", "words"),
    [
        (False, "/search", grpc.StatusCode.UNAVAILABLE, "echo is still loading. Try again in a moment."),
        (True, "/update", grpc.StatusCode.UNIMPLEMENTED, "echo has no endpoint '/update'."),
    ],
)
async def test_what_cannot_be_dispatched_is_reported(
    ready: bool, endpoint: str, code: grpc.StatusCode, words: str
) -> None:
    """Before the executor has loaded, and for an endpoint that it lacks, the error names which it is."""
    dispatcher, context = Dispatcher("echo"), Context()
    if ready:
        dispatcher.ready(Echo())
    with pytest.raises(Aborted):
        await dispatcher.run(endpoint, [], Parameters(), context)  # type: ignore[arg-type]
    assert context.code is code
    assert context.words.startswith(words)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CallerError("Wrong.", "Right."), grpc.StatusCode.INVALID_ARGUMENT),
        (BadPicture("no picture"), grpc.StatusCode.INVALID_ARGUMENT),
        (UnknownCollection("None.", "Make it."), grpc.StatusCode.NOT_FOUND),
        (UnknownEndpoint("None.", "Others."), grpc.StatusCode.UNIMPLEMENTED),
        (IndexUnavailable("Gone.", "Start it."), grpc.StatusCode.UNAVAILABLE),
        (EncoderUnavailable("Gone.", "Get it."), grpc.StatusCode.UNAVAILABLE),
        (NotReady("Loading.", "Wait."), grpc.StatusCode.UNAVAILABLE),
        (QueueFull("Full.", "Wait."), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (BatcherClosed("Closed.", "Wait."), grpc.StatusCode.UNAVAILABLE),
        (TimeoutError("slow"), grpc.StatusCode.DEADLINE_EXCEEDED),
        (ValueError("a bug of ours"), grpc.StatusCode.INTERNAL),
        (KeyError("a bug of ours"), grpc.StatusCode.INTERNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_exception_has_its_status(error: Exception, code: grpc.StatusCode) -> None:
    """A caller's mistake has classes of its own; a stray ValueError is the executor's failure, not the caller's."""
    assert status_of(error)[0] is code


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (grpc.StatusCode.UNAVAILABLE, "clip_encoder at 127.0.0.1:8090: refused"),
        (grpc.StatusCode.INVALID_ARGUMENT, "refused"),
    ],
)
async def test_the_error_of_a_call_further_down_keeps_its_code(code: grpc.StatusCode, words: str) -> None:
    """The error of a failure names the executor; that of the caller's own mistake does not."""
    client = ExecutorClient("clip_encoder", "127.0.0.1:8090")

    async def process(_: ProcessRequest) -> ProcessResponse:
        raise grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), "refused", "")

    client._stub.Process = process
    with pytest.raises(Exception, match="refused") as failed:
        await client.process("/search", [], Parameters())
    assert status_of(failed.value) == (code, words)
    assert isinstance(failed.value, MISTAKES) is (code in CALLERS)
    await client.close()


async def test_a_thread_sees_the_context_of_the_request(pool: ThreadPoolExecutor) -> None:
    """What is traced or logged in the pool belongs to the request that asked for the work."""
    with telemetry.request("/index"):
        assert await in_pool(pool, lambda: baggage.get_baggage("search.operation")) == "index"


async def test_the_next_work_starts_before_this_ones_result_is_used(pool: ThreadPoolExecutor) -> None:
    """While the consumer has the first result, the second is being made; the third is not."""
    started: list[str] = []

    def start(item: str) -> asyncio.Future[str]:
        started.append(item)
        return in_pool(pool, item.upper)

    seen = [(await future, list(started)) for future in one_ahead(start, ["a", "b", "c"])]
    assert seen == [("A", ["a", "b"]), ("B", ["a", "b", "c"]), ("C", ["a", "b", "c"])]


async def test_work_ahead_is_cancelled_where_the_consumer_leaves(pool: ThreadPoolExecutor) -> None:
    """A failing minibatch leaves nothing behind that runs for nobody."""
    futures: list[asyncio.Future[bool]] = []
    release = threading.Event()

    def start(item: int) -> asyncio.Future[bool]:
        futures.append(in_pool(pool, release.wait, 10.0))
        return futures[-1]

    ahead = one_ahead(start, range(5))
    next(ahead)
    ahead.close()  # type: ignore[attr-defined]
    assert [future.cancelled() for future in futures] == [False, True]
    release.set()
    await futures[0]


def test_one_ahead_of_nothing_is_nothing() -> None:
    """No items, no work."""
    nothing: Sequence[int] = ()
    assert list(one_ahead(lambda _: asyncio.Future(), nothing)) == []


def test_the_holder_of_a_port_is_named() -> None:
    """The error names which process to stop."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = PortTaken("gateway", f"127.0.0.1:{port}")
    assert error.message.startswith(f"gateway cannot listen on 127.0.0.1:{port}: port {port} is taken by ")
    assert error.message.endswith(f" (pid {os.getpid()}).")


def test_a_port_without_a_known_holder_is_reported_all_the_same() -> None:
    """Nobody listens there any more, or the system does not report."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert PortTaken("gateway", f"127.0.0.1:{port}").message.endswith(f"port {port} is taken.")


async def test_a_server_listens_first_and_is_healthy_once_it_has_loaded(unused_tcp_port: int) -> None:
    """While it loads: NOT_SERVING, and UNAVAILABLE for a request; then SERVING and an answer; SIGTERM ends it."""
    loaded, announced = asyncio.Event(), list[Mapping[str, Any]]()

    async def load() -> Echo:
        await loaded.wait()
        return Echo()

    address = f"127.0.0.1:{unused_tcp_port}"
    server = asyncio.create_task(serve(CLIP_ENCODER, address, load, announced.append))
    async with grpc.aio.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        executor = ExecutorStub(channel)  # type: ignore[no-untyped-call]
        watch = health.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await executor.Process(ProcessRequest(endpoint="/search"))
        assert (refused.value.code(), announced) == (grpc.StatusCode.UNAVAILABLE, [])
        loaded.set()
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        answer = await executor.Process(ProcessRequest(endpoint="/search", docs=[Document(id="1")]))
        assert [doc.id for doc in answer.docs] == ["1"]
        os.kill(os.getpid(), signal.SIGTERM)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
    await server
    assert announced == [{"role": "clip_encoder", "address": address}, {"role": "clip_encoder", "drained": True}]


async def test_a_server_whose_executor_cannot_load_ends_with_the_reason(unused_tcp_port: int) -> None:
    """The port is free again, and whoever started it hears why."""

    async def load() -> Echo:
        raise EncoderUnavailable("No weights.", "Get them.")

    address = f"127.0.0.1:{unused_tcp_port}"
    with pytest.raises(EncoderUnavailable, match="No weights"):
        await serve(CLIP_ENCODER, address, load, lambda _: None)
    with socket.create_server(("127.0.0.1", unused_tcp_port)):
        pass


async def test_a_second_server_on_a_port_is_refused() -> None:
    """By default both would share it, and the requests would be split between them."""

    async def load() -> Echo:
        return Echo()

    first = grpc.aio.server()
    port = first.add_insecure_port("127.0.0.1:0")
    await first.start()
    with pytest.raises(PortTaken, match=f"port {port} is taken"):
        await serve(GATEWAY, f"127.0.0.1:{port}", load, lambda _: None)
    await first.stop(None)
