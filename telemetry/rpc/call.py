"""One rpc on one side of the wire: its span, its status, its duration.

In: a method, the context it runs in, in the end a status code or an exception. Out: one CLIENT or SERVER span and one
measurement. State: the open span, owned by the `Call`; whoever ends it first ends it, all later ends are ignored
(a done callback, an exception and a cancellation race with each other).

Status follows the semantic conventions for gRPC: on the client every code but OK is an error; on the server only
those that are the server's own fault (see `recording.outcome`), so that a caller's mistake or a caller's cancellation
raises no alarm.
"""

import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import grpc
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.clock import clock, generation
from telemetry.recording.exceptions import error_type, record_failure
from telemetry.recording.guard import guard
from telemetry.recording.instruments import observe
from telemetry.recording.outcome import ERROR, outcome_of_status
from telemetry.recording.request_scope import current_scope, sent_in
from telemetry.recording.spans import baggage_attributes, start_span
from telemetry.rpc.names import Method

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_RUNNING: Final = otel_context.create_key("search-telemetry-rpc")


@dataclass(frozen=True, slots=True)
class Side:
    """What differs between the ends of a call."""

    kind: SpanKind
    duration: c.Metric
    faults: frozenset[grpc.StatusCode]


CLIENT: Final = Side(
    SpanKind.CLIENT, c.RPC_CLIENT_CALL_DURATION, frozenset(code for code in grpc.StatusCode if code.value[0] != 0)
)
SERVER: Final = Side(
    SpanKind.SERVER,
    c.RPC_SERVER_CALL_DURATION,
    frozenset(code for code in grpc.StatusCode if outcome_of_status(code.name) == ERROR),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: gRPC's code (None: it never became a call), its details, the exception that ended it."""

    code: grpc.StatusCode | None = grpc.StatusCode.OK
    details: str = ""
    error: BaseException | None = None


class Call:
    """An rpc under way. `context` holds its span; make it current only where the call itself does its work."""

    __slots__ = ("_adopted", "_generation", "_latch", "_method", "_side", "_steady", "_wall", "context", "span")

    def __init__(
        self,
        side: Side,
        method: Method,
        context: Context,
        attributes: Mapping[str, AttributeValue],
        adopted: Span | None = None,
    ) -> None:
        """Start the span below the one in `context`; `adopted` is completed instead, and never ended here."""
        self._side = side
        self._method = method
        self._adopted = adopted is not None
        self._generation = generation.current
        self._latch = threading.Lock()  # taken by the first end, never given back
        self._wall, self._steady = clock.wall(), clock.steady()
        given = {**method.attributes, **attributes}
        if adopted is not None:
            adopted.set_attributes({**given, **baggage_attributes(context)})
        self.span = adopted or start_span(method.name, side.kind, given, context=context, start_time=self._wall)
        self.context = trace.set_span_in_context(self.span, context)
        sent = sent_in(context) if side is CLIENT else None
        if sent is not None and sent.context is None:
            sent.context = self.context

    @property
    def ended(self) -> bool:
        """Whether the outcome is known."""
        return self._latch.locked()

    def mark(self, request: object) -> None:
        """Leave in the context what `running` looks for."""
        self.context = otel_context.set_value(_RUNNING, (self._side, self._method.name, request), self.context)

    def end(self, outcome: Outcome) -> None:
        """Write the outcome, end the span and record the duration: the first time. Never raises."""
        if self._generation is not generation.current or sys.is_finalizing():
            return  # it is the parent's, which forked this process; or no lock can be trusted any more
        if not self._latch.acquire(blocking=False):
            return
        lasted = max(0, clock.steady() - self._steady)
        result: dict[str, AttributeValue] = {}
        with guard:
            result = self._result(outcome)
        with guard:
            observe(self._side.duration, lasted / 1e9, {**self._method.attributes, **result}, self.context)
        with guard:
            self._write(outcome, result)
        if not self._adopted:
            with guard:
                self.span.end(self._wall + lasted)

    def _failed(self, outcome: Outcome) -> bool:
        return outcome.code is None or outcome.code in self._side.faults

    def _result(self, outcome: Outcome) -> dict[str, AttributeValue]:
        """Return the attributes that span and metric share."""
        result: dict[str, AttributeValue] = {}
        if outcome.code is not None:
            result[c.RPC_RESPONSE_STATUS_CODE.name] = outcome.code.name
        if self._failed(outcome):
            result[c.ERROR_TYPE.name] = (
                error_type(outcome.error) if outcome.error is not None else str(outcome.code and outcome.code.name)
            )
        return result

    def _write(self, outcome: Outcome, result: dict[str, AttributeValue]) -> None:
        failed = self._failed(outcome)
        if self.span.is_recording():
            if outcome.code is not None:
                result[c.RPC_GRPC_STATUS_CODE.name] = outcome.code.value[0]
            self.span.set_attributes(result)
            if failed and outcome.error is None:
                self.span.set_status(Status(StatusCode.ERROR, outcome.details))
        if outcome.error is not None:  # told also where nothing is recorded
            ended = ERROR if failed or outcome.code is None else outcome_of_status(outcome.code.name)
            record_failure(self.span, outcome.error, current_scope(self.context), ended)


def code_of(raw: object) -> grpc.StatusCode | None:
    """Return gRPC's code for what an API gave as one: the enum, its name, or (in `grpc.aio`'s servers) its number."""
    if isinstance(raw, grpc.StatusCode):
        return raw
    if isinstance(raw, str):
        return grpc.StatusCode.__members__.get(raw, grpc.StatusCode.UNKNOWN)
    return _CODES.get(raw, grpc.StatusCode.UNKNOWN) if isinstance(raw, int) else None


def running(side: Side, method: Method, request: object, context: Context | None = None) -> bool:
    """Say whether this very call is already traced by us: interceptors may be installed twice."""
    mark = otel_context.get_value(_RUNNING, context)
    return isinstance(mark, tuple) and mark[0] is side and mark[1] == method.name and mark[2] is request
