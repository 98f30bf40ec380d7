"""A collector for tests of the pipelines: takes, refuses or holds requests as a test sets it."""

import threading
from collections.abc import Callable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from telemetry.otlp import signals
from telemetry.otlp.outcome import Outcome, Sender
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.queue import BatchQueue
from telemetry.pipeline.stats import Counts

PATIENCE = 10.0
TAKEN = Outcome(b"")
AWAY = Outcome(problem="UNAVAILABLE: connection refused", retry=True)
REFUSED = Outcome(problem="INVALID_ARGUMENT: no")


def taken_in_part(rejected: int) -> Outcome:
    """The collector took the request, but not all of it."""
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = "too old"
    return Outcome(response.SerializeToString())


class StandInSender:
    """Answers with `answer`, which a test may change; holds requests while `hold` is set to begin with."""

    def __init__(self, answer: Outcome = TAKEN, *, holding: bool = False) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.closed = threading.Event()
        self._go = threading.Event()
        self._changed = threading.Condition()  # guards requests
        if not holding:
            self._go.set()

    def send(self, request: bytes, timeout: float) -> Outcome:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        self._go.wait(PATIENCE)
        return self.answer

    def release(self) -> None:
        """Answer what is held, and whatever comes."""
        self._go.set()

    def wait(self, count: int) -> None:
        """Wait until `count` requests have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, PATIENCE)

    def close(self) -> None:
        self.closed.set()
        self._go.set()


def span_queue(
    sender: Sender | Callable[[], Sender],
    *,
    size: int = 100,
    batch: int = 10,
    interval: float = 3600,
    encode: Callable[..., bytes] | None = None,
) -> tuple[BatchQueue[object], Counts]:
    """A queue of strings before `sender`, or whatever makes one; each request is their `repr`."""
    counts = Counts()
    encode = encode or (lambda items: repr(items).encode())
    kind = signals.SignalKind("spans", "", encode)
    make = sender if callable(sender) else lambda: sender
    delivery = Delivery(kind, make, 10.0, "the stand-in", counts)
    return BatchQueue(delivery, counts, size, batch, interval), counts
