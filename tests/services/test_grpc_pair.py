"""A gateway and an encoder by gRPC: one trace through both, and each reports whose fault it was."""

from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
import pytest

import telemetry
import telemetry.rpc
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans


class Encoder:
    @telemetry.endpoint("/encode", docs=lambda request, context: request.split())
    def encode(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        if not request:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "nothing to encode")
        if request == b"crash":
            raise MemoryError("the model is too big")
        with telemetry.stage("inference", minibatch_size=len(request.split())):
            return b" ".join(b"%d" % len(word) for word in request.split())


class Gateway:
    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder

    @telemetry.endpoint("/search", docs=lambda request, context: [request])
    def search(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        try:
            vectors = self._encoder(request, timeout=10)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                context.abort(error.code(), error.details() or "")
            raise
        yield from vectors.split()


@contextmanager
def served(service: str, handlers: dict[str, Any]) -> Iterator[str]:
    with futures.ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool, interceptors=telemetry.rpc.server_interceptors())
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait(10)


@pytest.fixture
def search() -> Iterator[Any]:
    """Call the gateway, which calls the encoder."""
    with ExitStack() as stack:
        encoding = {"Encode": grpc.unary_unary_rpc_method_handler(Encoder().encode)}
        encoder = stack.enter_context(served("shop.Encoder", encoding))
        inner = stack.enter_context(grpc.insecure_channel(encoder))
        channel: Any = grpc.intercept_channel(inner, *telemetry.rpc.client_interceptors(encoder))
        gateway = Gateway(channel.unary_unary("/shop.Encoder/Encode"))
        searching = {"Search": grpc.unary_stream_rpc_method_handler(gateway.search)}
        target = stack.enter_context(served("shop.Gateway", searching))
        outer: Any = stack.enter_context(grpc.insecure_channel(target))
        yield outer.unary_stream("/shop.Gateway/Search")


def test_a_search_is_one_trace_through_both(search: Any, spans: Spans, metrics: Metrics) -> None:
    """Client, server, endpoint and stage; the stream of results has its first item."""
    assert list(search(b"black jacket", timeout=10)) == [b"5", b"6"]
    spans.wait(5)
    assert spans.tree(attributes=["len_docs"]) == (
        "/shop.Gateway/Search\n"
        "└ /search len_docs=1\n"
        "  └ /shop.Encoder/Encode\n"
        "    └ /shop.Encoder/Encode\n"
        "      └ /encode len_docs=2\n"
        "        └ inference"
    )
    assert metrics.total("search.batch.size", {"search.stage": "inference"}) == 2
    assert metrics.value("search.first_item.duration", {"search.operation": "search"}) == 1


@pytest.mark.parametrize(
    ("query", "code", "outcome"), [(b"", "INVALID_ARGUMENT", "rejected"), (b"crash", "UNKNOWN", "error")]
)
def test_both_report_whose_fault_it_was(
    search: Any, spans: Spans, metrics: Metrics, query: bytes, code: str, outcome: str
) -> None:
    """What the encoder refuses, the gateway refuses; what crashes there is an error in both."""
    with pytest.raises(grpc.RpcError) as refused:
        list(search(query, timeout=10))
    assert refused.value.code().name == code
    spans.wait(5)
    assert {series["search.outcome"] for series in metrics.series("search.request.duration")} == {outcome}
    failed = {span.name for span in spans if span.kind.name != "CLIENT" and span.status.status_code.name == "ERROR"}
    assert bool(failed) is (outcome == "error")
