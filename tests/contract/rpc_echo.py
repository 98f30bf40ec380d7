"""A service of four methods, on every kind of server.

The words of a request set what its handler does: `ok`, `raise`, `abort:CODE`, `code:CODE`, `hang`, `stage`.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
from opentelemetry import context as otel_context
from opentelemetry.context import Context

import telemetry
from telemetry import rpc
from tests.contract.rpc_watch import PATIENCE

SERVICE = "test.Echo"
ARITIES = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


class Echo:
    """What the handlers share. `reached` is set when one hangs; `contexts` are those that were current in handlers."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.metadata: list[tuple[str, str | bytes]] = []
        self.contexts: list[Context] = []

    def look(self, servicer: Any) -> None:
        self.metadata = [(key, value) for key, value in servicer.invocation_metadata()]
        self.contexts.append(otel_context.get_current())


class Threads(Echo):
    """Handlers as plain functions."""

    def _do(self, word: bytes, servicer: Any) -> bytes:
        self.look(servicer)
        match word.decode().split(":"):
            case ["raise"]:
                raise ValueError("boom")
            case ["abort", code]:
                servicer.abort(grpc.StatusCode[code], "as asked")
            case ["code", code]:
                servicer.set_code(grpc.StatusCode[code])
                servicer.set_details("as asked")
            case ["hang"]:
                gone = threading.Event()
                servicer.add_callback(gone.set)
                self.reached.set()
                # a thread on an aio server does not know that its caller has gone: it stays beyond the deadline
                is_cancellable = hasattr(servicer, "is_active")
                gone.wait(PATIENCE if is_cancellable else servicer.time_remaining() + 0.5)
            case ["stage"]:
                with telemetry.stage("stage"):
                    pass
        return word

    def unary_unary(self, request: bytes, servicer: Any) -> bytes:
        return self._do(request, servicer)

    def unary_stream(self, request: bytes, servicer: Any) -> Iterator[bytes]:
        for word in request.split():
            yield self._do(word, servicer)

    def stream_unary(self, requests: Iterator[bytes], servicer: Any) -> bytes:
        return b" ".join([self._do(word, servicer) for word in requests])

    def stream_stream(self, requests: Iterator[bytes], servicer: Any) -> Iterator[bytes]:
        for word in requests:
            yield self._do(word, servicer)


class Tasks(Echo):
    """Handlers as coroutines and async generators."""

    async def _do(self, word: bytes, servicer: Any) -> bytes:
        self.look(servicer)
        match word.decode().split(":"):
            case ["raise"]:
                raise ValueError("boom")
            case ["abort", code]:
                await servicer.abort(grpc.StatusCode[code], "as asked")
            case ["code", code]:
                servicer.set_code(grpc.StatusCode[code])
                servicer.set_details("as asked")
            case ["hang"]:
                self.reached.set()
                await asyncio.Event().wait()
            case ["stage"]:
                with telemetry.stage("stage"):
                    await asyncio.sleep(0)
        return word

    async def unary_unary(self, request: bytes, servicer: Any) -> bytes:
        return await self._do(request, servicer)

    async def unary_stream(self, request: bytes, servicer: Any) -> AsyncIterator[bytes]:
        for word in request.split():
            yield await self._do(word, servicer)

    async def stream_unary(self, requests: AsyncIterator[bytes], servicer: Any) -> bytes:
        return b" ".join([await self._do(word, servicer) async for word in requests])

    async def stream_stream(self, requests: AsyncIterator[bytes], servicer: Any) -> AsyncIterator[bytes]:
        async for word in requests:
            yield await self._do(word, servicer)


class Writers(Tasks):
    """Streams written with `context.write`, the other style of `grpc.aio`."""

    async def unary_stream(self, request: bytes, servicer: Any) -> None:  # type: ignore[override]
        for word in request.split():
            await servicer.write(await self._do(word, servicer))

    async def stream_stream(self, requests: AsyncIterator[bytes], servicer: Any) -> None:  # type: ignore[override]
        async for word in requests:
            await servicer.write(await self._do(word, servicer))


def handlers(echo: Echo) -> Any:
    """Return the service's handlers, without generated code."""
    make: dict[str, Callable[..., Any]] = {arity: getattr(grpc, f"{arity}_rpc_method_handler") for arity in ARITIES}
    return grpc.method_handlers_generic_handler(
        SERVICE, {arity: make[arity](getattr(echo, arity)) for arity in ARITIES}
    )


@contextlib.contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread of its own; async generators and tasks are ended before it closes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="rpc-test-loop")
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_wind_down(loop), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


async def _wind_down(loop: asyncio.AbstractEventLoop) -> None:
    others = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await loop.shutdown_asyncgens()


@contextlib.contextmanager
def threaded_server(echo: Echo, interceptors: Sequence[Any] | None = None, *more: Any) -> Iterator[str]:
    """Serve with `grpc.server`; yields the target."""
    found = rpc.server_interceptors() if interceptors is None else interceptors
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool, [handlers(echo), *more], interceptors=list(found))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(grace=None).wait(PATIENCE)


@contextlib.contextmanager
def aio_server(echo: Echo, interceptors: Sequence[Any] | None = None, *more: Any) -> Iterator[str]:
    """Serve with `grpc.aio.server`, in a thread; yields the target."""
    found = rpc.aio_server_interceptors() if interceptors is None else interceptors

    async def start() -> tuple[grpc.aio.Server, int]:
        server = grpc.aio.server(ThreadPoolExecutor(2), [handlers(echo), *more], interceptors=list(found))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    with running_loop() as loop:
        server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(PATIENCE)


SERVERS: dict[str, tuple[Callable[..., contextlib.AbstractContextManager[str]], Callable[[], Echo]]] = {
    "threads": (threaded_server, Threads),
    "tasks": (aio_server, Tasks),
    "writers": (aio_server, Writers),
    "threads_on_aio": (aio_server, Threads),
}
