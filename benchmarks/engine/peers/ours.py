"""The library of this checkout."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry import trace

import telemetry
from benchmarks.engine.peers import ATTRIBUTES, Addresses, Call, Mode, Started, nothing
from benchmarks.engine.peers.otel_calls import SCORES, otel_calls

SIDE_BY_SIDE = 8  # calls of a batch


def start(sink: Addresses, mode: Mode, *, protocol: str = "grpc", metrics: bool | None = None) -> Started:
    """Configure it; `metrics`: False for none, else by OTLP every five seconds."""
    handle = telemetry.configure(
        "bench",
        endpoint=sink.grpc if protocol == "grpc" else sink.http,
        protocol="grpc" if protocol == "grpc" else "http/protobuf",
        metrics="none" if metrics is False else None,
        sampler="always_off" if mode == "unsampled" else "always_on",
        disabled=mode == "off",
    )
    tracer = trace.get_tracer("bench")
    calls = {**otel_calls(tracer), **_spans(), **_more(), "histogram": _histogram(tracer)}
    return Started(
        calls,
        lambda: tracer.start_as_current_span("root"),
        lambda: handle.flush(30),
        lambda: sum(handle.stats.dropped.values()),
    )


def _nothing(docs: list[int]) -> list[int]:
    return docs


def _spans() -> Mapping[str, Call]:
    stage = telemetry.stage("work", runtime="onnx", device="cpu", top_k=32)(_nothing)
    endpoint = telemetry.endpoint("/search")(_nothing)
    docs = [1, 2]

    def block() -> None:
        with telemetry.stage("work", runtime="onnx", device="cpu", top_k=32):
            pass

    return {
        "stage": Call(lambda: stage(docs), lambda: _nothing(docs)),
        "stage_with": Call(block),
        "endpoint": Call(lambda: endpoint(docs), lambda: _nothing(docs)),
    }


def _more() -> Mapping[str, Call]:
    """What has no counterpart elsewhere."""
    batch = telemetry.stage("work", runtime="onnx", device="cpu", minibatch_size=32)(_nothing)

    @telemetry.stage("stream")
    def generator() -> Iterator[int]:
        yield from range(10)

    @telemetry.stage("qdrant_search")
    def results() -> None:
        telemetry.results(scores=SCORES)

    return {
        "two_metrics": Call(lambda: batch([1, 2]), lambda: _nothing([1, 2])),
        "generator": Call(lambda: list(generator()), lambda: list(iter(range(10)))),
        "results": Call(results),
        "search": Call(_search(results)),
        "batch": _batch(),
    }


def _search(find: Any) -> Any:
    """Return what records as a search through Pamazon does, but for its rpcs, in one process."""

    @telemetry.endpoint("/search")
    def gateway(docs: list[int]) -> None:
        encoder(docs)
        indexer(docs)

    @telemetry.endpoint("/search")
    def encoder(docs: list[int]) -> None:
        with (
            telemetry.stage("encode", runtime="onnx", device="cpu", model="pamazon-tiny"),
            telemetry.stage("inference", len_docs=len(docs), minibatch_size=32),
            telemetry.stage("txt_minibatch_encoding", minibatch_size=1),
        ):
            pass

    @telemetry.endpoint("/search")
    def indexer(docs: list[int]) -> None:  # noqa: ARG001  counted by the endpoint
        find()

    def search() -> None:
        with telemetry.request("/search", platform="linux", region="cl"):
            gateway([1])

    return search


def _batch() -> Call:
    """A batch of eight calls that wait side by side."""
    from telemetry.batching import batched

    loop = asyncio.new_event_loop()

    async def double(numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]

    batching = batched(max_size=SIDE_BY_SIDE)(double)

    async def together(of: Any) -> None:
        await asyncio.gather(*(of([number]) for number in range(SIDE_BY_SIDE)))

    return Call(lambda: loop.run_until_complete(together(batching)), lambda: loop.run_until_complete(together(double)))


def _histogram(tracer: trace.Tracer) -> Call:
    """What a stage does to write its duration: it has found the series, and its span is at hand."""
    from telemetry import conventions as c

    try:
        from telemetry.recording.metrics import instruments
    except ImportError:  # as it was at an earlier revision
        from telemetry.recording import instruments  # type: ignore[attr-defined, no-redef]

    labels = {**ATTRIBUTES, c.SEARCH_STAGE.name: "work"}
    if not hasattr(instruments, "bound"):  # as it was at an earlier revision
        return Call(lambda: instruments.observe(c.STAGE_DURATION, 0.01, labels))
    found, span = instruments.bound(c.STAGE_DURATION, labels), tracer.start_span("held")
    record = found.record if found is not None else nothing
    return Call(lambda: record(0.01, span))


def server_interceptors() -> list[Any]:
    """Return the library's own."""
    from telemetry import rpc

    return [*rpc.server_interceptors()]


def aio_server_interceptors() -> list[Any]:
    """Return the library's own."""
    from telemetry import rpc

    return [*rpc.aio_server_interceptors()]


def intercepted(channel: Any) -> Any:
    """Return the channel with the library's own."""
    import grpc

    from telemetry import rpc

    if hasattr(rpc, "traced"):
        return rpc.traced(channel)
    return grpc.intercept_channel(channel, *rpc.client_interceptors())  # as it was at an earlier revision


def aio_intercepted(target: str) -> Any:
    """Return a channel to `target` with the library's own."""
    import grpc.aio

    from telemetry import rpc

    if hasattr(rpc, "traced"):
        return rpc.traced(grpc.aio.insecure_channel(target))
    return grpc.aio.insecure_channel(target, interceptors=rpc.aio_client_interceptors())  # as above
