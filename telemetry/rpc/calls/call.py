"""One rpc on one side of the wire: its span, its status, its duration.

In: a method, the context it runs in, in the end a status code or an exception. Out: one CLIENT or SERVER span and one
measurement. State: the open span, owned by the `Call`. The first end counts, later ones are ignored: a done
callback, an exception and a cancellation race with each other.

What calls of one method and one code share is made once. This code runs for each call, and is long-winded for speed: no
`with guard:`, no merged dictionaries, and no function of OpenTelemetry's that reads the current context again.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from types import AsyncGeneratorType
from typing import Any, Final

import grpc
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util.types import AttributeValue

from telemetry.recording import providers
from telemetry.recording.clock import clock, generation, metrics_generation
from telemetry.recording.guard import guard
from telemetry.recording.metrics.instruments import Record, bound
from telemetry.recording.request.baggage import BAGGAGE, NO_BAGGAGE, RequestBaggage, request_baggage
from telemetry.recording.request.scope import SCOPE_KEY, SENT, Scope, current_scope, sent_in
from telemetry.recording.runs.exceptions import error_type, record_failure
from telemetry.recording.runs.outcome import ERROR, outcome_of_status
from telemetry.recording.traces.starting import start_span
from telemetry.rpc.calls.names import Method, Records
from telemetry.rpc.calls.outcome import CLIENT, OK, CallEnding, Outcome, Side

_NONE: Final[Mapping[str, AttributeValue]] = {}
CALL_KEY: Final = otel_context.create_key("search-telemetry-rpc")
"""The context's key of the call that the context belongs to."""


def _code_of_written() -> Any:
    """Return the code of gRPC's generator of what a caller of `grpc.aio` writes; None where this gRPC has none."""
    try:
        mixin = getattr(import_module("grpc.aio._interceptor"), "_InterceptedStreamRequestMixin", None)
    except ImportError:
        return None
    return getattr(getattr(mixin, "_proxy_writes_as_request_iterator", None), "__code__", None)


_WRITTEN: Final = _code_of_written()


class Call:
    """An rpc under way. `context` holds its span; make it current only where the call itself does its work."""

    __slots__ = (
        "_adopted", "_generation", "_method", "_open", "_side", "_steady", "_wall", "baggage", "context",
        "scope", "span",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917  by position, for speed
        self,
        side: Side,
        method: Method,
        context: Mapping[str, object],
        attributes: dict[str, AttributeValue],
        adopted: Span | None = None,
        request: object = None,
        scope: Scope | None = None,
    ) -> None:
        """Start the span below the one in `context`.

        Arguments: `attributes`, of the span; `adopted`, a span that is completed instead, and never ended here;
        `request`, which identifies this call (see `is_same_call`); `scope`, of the request that is served.
        """
        self._side = side
        self._method = method
        self._adopted = adopted
        self.scope = scope
        self._generation = generation.current
        self._open = True
        self._wall = clock.wall()
        self._steady = clock.steady()
        self.baggage = NO_BAGGAGE if BAGGAGE and BAGGAGE not in context else _baggage_of(context, scope)
        start = providers.current.start_prepared
        span = adopted
        if span is None and start is not None and method.is_short:
            span = start(method.name, context, side.kind, attributes, self.baggage.attributes, self._wall, True)
        if span is None or adopted is not None:
            attributes = {**self.baggage.attributes, **attributes}
            if span is None:
                span = start_span(method.name, side.kind, attributes, (), Context(context), start_time=self._wall)
            else:
                span.set_attributes(attributes)
        self.span = span
        entries = {**context, _SPAN_KEY: span, CALL_KEY: (side, method.name, request)}
        if scope is not None:
            entries[SCOPE_KEY] = scope
            scope.described = {}
        self.context = Context(entries)
        if side is CLIENT and SENT in context:
            sent = sent_in(self.context)
            if sent is not None and sent.context is None:
                sent.context = self.context

    @property
    def ended(self) -> bool:
        """Whether the outcome is known."""
        return not hasattr(self, "_open")

    def end(self, outcome: Outcome) -> bool:  # noqa: C901, PLR0912  one function, for speed
        """Write the outcome, end the span and record the duration: the first time. Never raises.

        Returns whether it did.
        """
        try:
            del self._open  # one step of the interpreter: of two threads, one ends the call
        except AttributeError:
            return False
        if self._generation is not generation.current or sys.is_finalizing():
            return False  # it belongs to the parent of this fork; or the interpreter ends, and a lock may never be free
        lasted = max(0, clock.steady() - self._steady)
        span = self.span
        ending = self._side.ok if outcome is OK else self._side.endings[outcome.code]
        error = outcome.error
        kind = None if error is None or not ending.failed else error_type(error)
        try:
            records = self._method.records
            record = None
            if kind is None and records.generation is metrics_generation.current:
                record = records.by_ending.get(ending)
            if record is None:
                record = self._duration(ending, kind)
            if record is not None:
                record(lasted / 1e9, span)
        except Exception as fault:  # noqa: BLE001  whatever it is, it is ours
            guard.caught(fault)
        adopted = self._adopted
        try:
            scope = self.scope
            attributes = ending.attributes if kind is None else ending.attributes_with(kind)
            if scope is not None and scope.described:
                attributes = {**self._described(scope.described.copy()), **attributes}
            if adopted is None and not ending.failed and error is None and not (scope is not None and scope.are_long):
                finish = getattr(span, "end_prepared", None)
                if finish is not None:
                    finish(attributes, self._wall + lasted)
                    return True
            if span.is_recording():
                span.set_attributes(attributes)
                if ending.failed and error is None:
                    span.set_status(Status(StatusCode.ERROR, outcome.details))
            if error is not None:  # also where nothing is recorded: Sentry gets it
                self._record_failure(error, outcome.code, ending)
        except Exception as fault:  # noqa: BLE001  as above
            guard.caught(fault)
        if adopted is None:
            try:
                span.end(self._wall + lasted)
            except Exception as fault:  # noqa: BLE001  as above
                guard.caught(fault)
        return True

    def _described(self, described: dict[str, AttributeValue]) -> dict[str, AttributeValue]:
        """Return what the request used, without what the handler itself has set on the span."""
        known = getattr(self.span, "recorded_attributes", None)  # of a span of our own
        if known is None:
            known = getattr(self.span, "attributes", None) or _NONE  # another provider's may not tell
        arrived = self.baggage.attributes
        for name in described.keys() & known.keys():
            if known[name] != arrived.get(name):
                del described[name]
        return described

    def _duration(self, ending: CallEnding, error: str | None) -> Record | None:
        """Return what records durations of calls that ended like this one, and keep it if there is no `error`."""
        method = self._method
        kept = method.records
        if kept.generation is not metrics_generation.current:
            kept = method.records = Records(metrics_generation.current)
        found = bound(self._side.duration, {**method.attributes, **ending.labels_with(error)})
        if found is None:
            return None
        if error is None and found.lasting:
            kept.by_ending[ending] = found.record
        return found.record

    def _record_failure(self, error: BaseException, code: grpc.StatusCode | None, ending: CallEnding) -> None:
        outcome = ERROR if ending.failed or code is None else outcome_of_status(code.name)
        record_failure(self.span, error, current_scope(self.context), outcome)


def _baggage_of(context: Mapping[str, object], scope: Scope | None) -> RequestBaggage:
    """Return the parsed baggage of `context`, and keep it in `scope` (default: the context's)."""
    try:
        kept: Scope | None = context.get(SCOPE_KEY) if scope is None else scope  # type: ignore[assignment]  # its key
        if kept is None:
            return request_baggage(context)
        entries, found = kept.parsed
        return found if BAGGAGE and entries is context.get(BAGGAGE) else kept.parse(context)
    except Exception as fault:  # noqa: BLE001  whatever it is, it is ours
        guard.caught(fault)
    return NO_BAGGAGE


def is_same_call(mark: Any, side: Side, method: Method, request: object) -> bool:
    """Return whether `mark`, from the current context, is of this call: interceptors may be installed twice.

    Where the caller of `grpc.aio` writes its requests, the call has none; gRPC gives its interceptors an asynchronous
    generator of its own, of what is written. Any other generator is of another call. Where gRPC's is not known, the
    call has two spans: one too many, rather than none of another call.
    """
    if not (isinstance(mark, tuple) and mark[0] is side and mark[1] == method.name):
        return False
    if mark[2] is request:
        return True
    return mark[2] is None and isinstance(request, AsyncGeneratorType) and request.ag_code is _WRITTEN
