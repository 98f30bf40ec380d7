"""Sends traces of a search pipeline at a rate, as its services do, and remembers what was acknowledged.

In: an address for OTLP/gRPC, spans a second. Out: the traces that were acknowledged whole, each with its kind and
moment. State: a thread, ended with the block.

A trace comes in two exports: what the encoder did, and, two seconds later, what the gateway did around it, its root
included: whoever decides on a trace too early decides on half of it. What a collector refuses or does not answer is
sent again until it is acknowledged, as an exporter does.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Any, Final, Self

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

EXPORT: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
GATEWAY: Final = (
    ("/pamazon.Gateway/Search", Span.SPAN_KIND_SERVER),
    ("/search", Span.SPAN_KIND_INTERNAL),
    ("/pamazon.Executor/Process", Span.SPAN_KIND_CLIENT),
)
ENCODER: Final = (
    ("/pamazon.Executor/Process", Span.SPAN_KIND_SERVER),
    ("/search", Span.SPAN_KIND_INTERNAL),
    ("encode", Span.SPAN_KIND_INTERNAL),
    ("inference", Span.SPAN_KIND_INTERNAL),
    ("txt_minibatch_encoding", Span.SPAN_KIND_INTERNAL),
)
SPANS: Final = len(GATEWAY) + len(ENCODER)
"""Spans of a trace, each the parent of the next one."""

TICK: Final = 0.1
"""Seconds between two exports."""

LAG: Final = 20
"""Ticks between a trace's two exports."""

KINDS: Final = {"error": 0.05, "slow": 0.05, "plain": 0.9}
"""What becomes of searches, and how often: `error` fails at its innermost span, `slow` takes 0.8 s."""

_AGAIN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}
_CHANNEL: Final = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200))


@dataclass(frozen=True, slots=True)
class Made:
    """A trace: its ids, what became of the search, and when it was, in Unix nanoseconds."""

    trace_id: bytes
    span_ids: Sequence[bytes]
    kind: str
    at: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A trace that was acknowledged: what became of the search; when its halves were, as `time.monotonic` counts."""

    kind: str
    begun: float
    whole: float


class Sender:
    """A context manager that sends until it is stopped, or left. `acknowledged` is from trace ids to `Sent`."""

    def __init__(self, address: str, spans_per_second: float, seed: int = 0) -> None:
        self.acknowledged: dict[str, Sent] = {}
        self._channel = grpc.insecure_channel(address, options=_CHANNEL)
        self._export: Any = self._channel.unary_unary(EXPORT, None, ExportTraceServiceResponse.FromString)
        self._random = Random(seed)
        self._a_tick = max(1, round(spans_per_second * TICK / SPANS))
        self._changed = threading.Condition()  # guards acknowledged and fault
        self._fault: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            self._channel.close()  # whoever would have answered may be gone
        self._stopping.set()
        self._thread.join()
        self._channel.close()

    def more(self, traces: int, limit: float = 60.0) -> None:
        """Wait until so many more traces are acknowledged."""
        with self._changed:
            wanted = len(self.acknowledged) + traces
            done = self._changed.wait_for(lambda: self._fault or len(self.acknowledged) >= wanted, limit)
            message = f"{len(self.acknowledged)} of {wanted} acknowledged: {self._fault!r}"
            assert done, message
            assert self._fault is None, message

    def stop(self) -> None:
        """Send what is begun, and no more; every trace is acknowledged then."""
        self._stopping.set()
        self._thread.join()
        assert self._fault is None, self._fault

    def _run(self) -> None:
        try:
            self._send_all()
        except BaseException as fault:  # noqa: BLE001 (raised in the test's thread)
            with self._changed:
                self._fault = fault
                self._changed.notify_all()

    def _send_all(self) -> None:
        begun: deque[tuple[Sequence[Made], float]] = deque()
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            new = [self._make() for _ in range(self._a_tick)]
            ready = begun.popleft() if len(begun) == LAG else ((), 0.0)
            begun.append((new, self._send(new, *ready)))
            due += TICK
        for ready in begun:
            self._send((), *ready)

    def _make(self) -> Made:
        (kind,) = self._random.choices(list(KINDS), list(KINDS.values()))
        return Made(self._random.randbytes(16), [self._random.randbytes(8) for _ in range(SPANS)], kind, time.time_ns())

    def _send(self, new: Sequence[Made], begun: Sequence[Made], since: float) -> float:
        """Send the first halves of some traces, and the second ones of those begun at `since`, until acknowledged."""
        body = export_of(new, begun)
        while True:
            try:
                answer = self._export(body, timeout=10)
            except grpc.RpcError as error:
                if error.code() not in _AGAIN or "closed" in str(error.details()).lower():
                    raise
                time.sleep(TICK)
            else:
                break
        assert not answer.partial_success.rejected_spans, answer
        with self._changed:
            now = time.monotonic()
            self.acknowledged.update({made.trace_id.hex(): Sent(made.kind, since, now) for made in begun})
            self._changed.notify_all()
        return now


def export_of(new: Sequence[Made], begun: Sequence[Made]) -> bytes:
    """One export: the encoder's spans of some traces, the gateway's of others."""
    request = ExportTraceServiceRequest()
    for service, tree, first, traces in (("clip_encoder", ENCODER, 3, new), ("gateway", GATEWAY, 0, begun)):
        if traces:
            of_service = request.resource_spans.add()
            of_service.resource.attributes.add(key="service.name").value.string_value = service
            of_service.resource.attributes.add(key="service.namespace").value.string_value = "pamazon"
            spans = of_service.scope_spans.add().spans
            for made in traces:
                _add(spans, made, tree, first)
    return request.SerializeToString()


def _add(spans: Any, made: Made, tree: Sequence[tuple[str, Any]], first: int) -> None:
    for depth, (name, kind) in enumerate(tree, first):
        span = spans.add(
            trace_id=made.trace_id,
            span_id=made.span_ids[depth],
            parent_span_id=made.span_ids[depth - 1] if depth else b"",
            name=name,
            kind=kind,
            start_time_unix_nano=made.at - (800_000_000 if made.kind == "slow" and depth < len(GATEWAY) else 8_000_000),
            end_time_unix_nano=made.at - depth * 100_000,
        )
        span.attributes.add(key="search.operation").value.string_value = "search"
        if made.kind == "error" and depth == SPANS - 1:
            span.status.code = 2
            span.attributes.add(key="error.type").value.string_value = "RuntimeError"
