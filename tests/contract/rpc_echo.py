"""A service of four methods, on every kind of server and called by every kind of client, with all spans watched.

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
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import Span, StatusCode, get_current_span

import telemetry
from telemetry import rpc
from telemetry.conventions import SCOPE
from telemetry.recording import providers
from telemetry.recording.metrics import instruments
from telemetry.recording.request.bounds import bounds

SERVICE = "test.Echo"
ARITIES = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")
PATIENCE = 10  # seconds after which an awaited event counts as missing


class Watch(SpanProcessor):
    """Keeps every span that ended, and counts those still open."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self.reader = InMemoryMetricReader()
        self.tracing = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.metering = MeterProvider([self.reader], shutdown_on_exit=False)
        self.tracing.add_span_processor(self)
        self.tracer = self.tracing.get_tracer("test")
        self.ended: list[ReadableSpan] = []
        self._open = 0
        self._data: MetricsData | None = None
        self._changed = threading.Condition()  # guards ended and _open

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        with self._changed:
            self._open += 1

    def on_end(self, span: ReadableSpan) -> None:
        with self._changed:
            self._open -= 1
            self.ended.append(span)
            self._changed.notify_all()

    def settled(self, count: int) -> list[ReadableSpan]:
        """Wait until `count` spans ended and none is open."""
        with self._changed:
            complete = self._changed.wait_for(lambda: len(self.ended) >= count and self._open == 0, PATIENCE)
            assert complete, f"{self._open} spans stayed open, {len(self.ended)} ended:\n{self._tree()}"
            return list(self.ended)

    def tree(self, count: int, *, codes: bool = True) -> str:
        """Draw all traces once `count` spans ended: name, kind, gRPC's code, `!` for error status, events."""
        self.settled(count)
        return self._tree(codes=codes)

    def _tree(self, *, codes: bool = True) -> str:
        known = {span.context.span_id for span in self.ended if span.context}
        ordered = sorted(self.ended, key=lambda span: span.start_time or 0)

        def lines(parent: int | None, indent: str) -> Iterator[str]:
            for span in ordered:
                above = span.parent.span_id if span.parent and span.parent.span_id in known else None
                if above == parent:
                    yield indent + _line(span, codes=codes)
                    assert span.context is not None
                    yield from lines(span.context.span_id, f"{indent}  ")

        return "\n".join(lines(None, ""))

    def points(self, metric: str) -> list[HistogramDataPoint]:
        """Return the points of a histogram, all as they were when first asked for: reading takes the exemplars."""
        self._data = data = self._data or self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == metric
            for point in found.data.data_points
            if isinstance(point, HistogramDataPoint)
        ]


def _line(span: ReadableSpan, *, codes: bool) -> str:
    attributes = span.attributes or {}
    parts = [span.name.rpartition("/")[2], span.kind.name if span.kind.name != "INTERNAL" else ""]
    if codes:
        parts.append(str(attributes.get("rpc.response.status_code", "")))
    if span.status.status_code is StatusCode.ERROR:
        parts.append(f"! {attributes.get('error.type')}")
    parts += [f"*{(event.attributes or {}).get('exception.type')}" for event in span.events]
    return " ".join(part for part in parts if part)


@contextlib.contextmanager
def watching(sampler: Sampler | None = None) -> Iterator[Watch]:
    """Record with providers of this test's own."""
    watch = Watch(sampler)
    instruments.forget()
    bounds.forget()
    tracer, meter = watch.tracing.get_tracer(SCOPE), watch.metering.get_meter(SCOPE)
    try:
        with providers.override(tracer=tracer, meter=meter):
            yield watch
    finally:
        instruments.forget()
        watch.metering.shutdown()


class Echo:
    """What the handlers share. `reached` is set when one hangs; `seen` are the spans current in handlers."""

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


class Refused(Exception):
    """What a client got: code and details."""

    def __init__(self, error: Any) -> None:
        super().__init__(error.code().name, error.details())
        self.code: str = error.code().name
        self.details: str = error.details()


Call = Callable[..., list[bytes]]


def _prepared(arity: str, words: Sequence[str]) -> Any:
    return iter([word.encode() for word in words]) if arity.startswith("stream") else " ".join(words).encode()


@contextlib.contextmanager
def threaded_client(target: str, interceptors: Sequence[Any] | None = None) -> Iterator[Call]:
    """Yield `call(arity, *words, timeout=None)`, by `grpc`."""
    found = rpc.client_interceptors(target) if interceptors is None else interceptors
    with _threads(target, lambda plain: grpc.intercept_channel(plain, *found)) as call:
        yield call


@contextlib.contextmanager
def threaded_channel(target: str) -> Iterator[Call]:
    """Yield the same, by a channel of ours."""
    with _threads(target, lambda plain: rpc.traced(plain, target)) as call:
        yield call


@contextlib.contextmanager
def _threads(target: str, made_of: Callable[[grpc.Channel], grpc.Channel]) -> Iterator[Call]:
    with made_of(grpc.insecure_channel(target)) as channel:

        def call(arity: str, *words: str, timeout: float | None = None, metadata: Any = None) -> list[bytes]:
            method = getattr(channel, arity)(f"/{SERVICE}/{arity}")
            try:
                answer = method(_prepared(arity, words), timeout=timeout, metadata=metadata)
                return [answer] if arity.endswith("unary") else list(answer)
            except grpc.RpcError as error:
                raise Refused(error) from None

        yield call


@contextlib.contextmanager
def aio_client(target: str, interceptors: Sequence[Any] | None = None) -> Iterator[Call]:
    """Yield `call(arity, *words, timeout=None)`, by `grpc.aio` in a loop of its own."""
    found = rpc.aio_client_interceptors(target) if interceptors is None else interceptors
    with _tasks(lambda: grpc.aio.insecure_channel(target, interceptors=found)) as call:
        yield call


@contextlib.contextmanager
def aio_channel(target: str) -> Iterator[Call]:
    """Yield the same, by a channel of ours."""
    with _tasks(lambda: rpc.traced(grpc.aio.insecure_channel(target), target)) as call:
        yield call


@contextlib.contextmanager
def _tasks(made: Callable[[], grpc.aio.Channel]) -> Iterator[Call]:
    async def call(arity: str, words: Sequence[str], **options: Any) -> list[bytes]:
        async with made() as channel:
            method = getattr(channel, arity)(f"/{SERVICE}/{arity}")
            try:
                answer = method(_prepared(arity, words), **options)
                return [await answer] if arity.endswith("unary") else [message async for message in answer]
            except grpc.aio.AioRpcError as error:
                raise Refused(error) from None

    with running_loop() as loop:

        def blocking(arity: str, *words: str, **options: Any) -> list[bytes]:
            # a task made from another thread sees none of that thread's context
            context = otel_context.get_current()

            async def within() -> list[bytes]:
                otel_context.attach(context)
                return await call(arity, words, **options)

            return asyncio.run_coroutine_threadsafe(within(), loop).result(PATIENCE)

        yield blocking


CLIENTS: dict[str, Callable[..., contextlib.AbstractContextManager[Call]]] = {
    "threads": threaded_client,
    "aio": aio_client,
}
TRACED: dict[str, Callable[[str], contextlib.AbstractContextManager[Call]]] = {
    **CLIENTS,
    "threads_channel": threaded_channel,
    "aio_channel": aio_channel,
}
"""All ways to trace the calls of a client: by interceptors, and by a channel of ours."""


def span_id(context: Context) -> int:
    """Return the id of the span that `context` holds."""
    return get_current_span(context).get_span_context().span_id


CANCELLED = "{0} CLIENT CANCELLED ! CANCELLED\n  {0} SERVER CANCELLED"
"""The tree of a call that its caller cancelled; the arity is left open."""


@contextlib.contextmanager
def threaded(target: str) -> Iterator[Any]:
    with grpc.insecure_channel(target) as channel:
        yield grpc.intercept_channel(channel, *rpc.client_interceptors(target))


def threaded_traced(target: str) -> Any:
    return rpc.traced(grpc.insecure_channel(target), target)


def aio(target: str) -> Any:
    return grpc.aio.insecure_channel(target, interceptors=rpc.aio_client_interceptors(target))


def aio_traced(target: str) -> Any:
    return rpc.traced(grpc.aio.insecure_channel(target), target)


def outgoing(channel: Any, arity: str) -> Any:
    return getattr(channel, arity)(f"/{SERVICE}/{arity}")
