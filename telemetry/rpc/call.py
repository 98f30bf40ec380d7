"""One rpc on one side of the wire: its span, its status, its duration.

In: a method, the context it runs in, in the end a status code or an exception. Out: one CLIENT or SERVER span and one
measurement. State: the open span, owned by the `Call`; whoever ends it first ends it, all later ends are ignored
(a done callback, an exception and a cancellation race with each other).

All that calls of one method and one code share is made once. It runs for each call, so that it is long-winded: no
`with guard:`, no dictionaries put together, no functions of OpenTelemetry's that look for the current context again.
"""

import sys
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util.types import AttributeValue

from telemetry.recording import providers
from telemetry.recording.clock import clock, generation
from telemetry.recording.exceptions import error_type, record_failure
from telemetry.recording.guard import guard
from telemetry.recording.instruments import Record, bound
from telemetry.recording.outcome import ERROR, outcome_of_status
from telemetry.recording.request_scope import current_scope, sent_in
from telemetry.recording.spans import baggage_attributes
from telemetry.rpc.names import Method, Records
from telemetry.rpc.outcome import CLIENT, OK, SERVER, Ending, Outcome, Side, code_of

__all__ = ["CLIENT", "OK", "RUNNING", "SERVER", "Call", "Outcome", "Side", "code_of", "running"]

RUNNING: Final = otel_context.create_key("search-telemetry-rpc")
"""The key of the mark in a context that says which call it belongs to."""


class Call:
    """An rpc under way. `context` holds its span; make it current only where the call itself does its work."""

    __slots__ = (
        "__weakref__",
        "_adopted",
        "_generation",
        "_method",
        "_open",
        "_side",
        "_steady",
        "_wall",
        "context",
        "span",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917  by position, for speed
        self,
        side: Side,
        method: Method,
        context: Context,
        attributes: Mapping[str, AttributeValue],
        adopted: Span | None = None,
        request: object = None,
    ) -> None:
        """Start the span below the one in `context`.

        Arguments: `attributes`, of the span; `adopted`, a span that is completed instead, and never ended here;
        `request`, what `running` recognizes this call by.
        """
        self._side = side
        self._method = method
        self._adopted = adopted is not None
        self._generation = generation.current
        self._open = True
        self._wall = clock.wall()
        self._steady = clock.steady()
        self.span = span = self._started(context, attributes) if adopted is None else adopted
        if adopted is not None:
            adopted.set_attributes({**attributes, **baggage_attributes(context)})
        self.context = Context(self._entries(context, span, request))
        if side is CLIENT and context:
            sent = sent_in(context)
            if sent is not None and sent.context is None:
                sent.context = self.context

    def _started(self, context: Context, attributes: Mapping[str, AttributeValue]) -> Span:
        tracer = providers.tracer()
        if tracer is not None:
            try:
                if context:
                    from_baggage = baggage_attributes(context)
                    if from_baggage:
                        attributes = {**from_baggage, **attributes}
            except Exception as fault:  # noqa: BLE001  whatever it is, it is ours
                guard.caught(fault)
            try:
                return tracer.start_span(self._method.name, context, self._side.kind, attributes, (), self._wall)
            except Exception as fault:  # noqa: BLE001  as above
                guard.caught(fault)
        return NonRecordingSpan(get_current_span(context).get_span_context())

    def _entries(self, context: Context, span: Span, request: object) -> dict[str, object]:
        """Return what the call's context contains."""
        return {**context, _SPAN_KEY: span, RUNNING: (self._side, self._method.name, request)}

    @property
    def ended(self) -> bool:
        """Whether the outcome is known."""
        return not hasattr(self, "_open")

    def end(self, outcome: Outcome) -> None:
        """Write the outcome, end the span and record the duration: the first time. Never raises."""
        try:
            del self._open  # one step of the interpreter: of two threads, one ends the call
        except AttributeError:
            return
        if self._generation is not generation.current or sys.is_finalizing():
            return  # it is the parent's, which forked this process; or no lock can be trusted any more
        lasted = max(0, clock.steady() - self._steady)
        ending = self._side.ok if outcome is OK else self._side.endings[outcome.code]
        error: str | None = None
        try:
            if outcome.error is not None and ending.failed:
                error = error_type(outcome.error)
            record = self._duration(ending, error)
            if record is not None:
                record(lasted / 1e9, self.span)
        except Exception as fault:  # noqa: BLE001  whatever it is, it is ours
            guard.caught(fault)
        try:
            self._write(ending, error, outcome)
        except Exception as fault:  # noqa: BLE001  as above
            guard.caught(fault)
        if not self._adopted:
            try:
                self.span.end(self._wall + lasted)
            except Exception as fault:  # noqa: BLE001  as above
                guard.caught(fault)

    def _duration(self, ending: Ending, error: str | None) -> Record | None:
        """Return what records durations of calls that ended like this one."""
        method = self._method
        kept = method.records
        if kept.generation is not providers.generation.current:
            kept = method.records = Records(providers.generation.current)
        if error is None:
            record = kept.by_ending.get(ending)
            if record is not None:
                return record
        found = bound(self._side.duration, {**method.attributes, **ending.labels_with(error)})
        if found is None:
            return None
        if error is None and found.lasting:
            kept.by_ending[ending] = found.record
        return found.record

    def _write(self, ending: Ending, error: str | None, outcome: Outcome) -> None:
        span = self.span
        if span.is_recording():
            span.set_attributes(ending.attributes if error is None else ending.attributes_with(error))
            if ending.failed and outcome.error is None:
                span.set_status(Status(StatusCode.ERROR, outcome.details))
        if outcome.error is not None:  # told also where nothing is recorded
            code = outcome.code
            ended = ERROR if ending.failed or code is None else outcome_of_status(code.name)
            record_failure(span, outcome.error, current_scope(self.context), ended)


def running(mark: Any, side: Side, method: Method, request: object) -> bool:
    """Return whether `mark`, of the current context, is of this very call: interceptors may be installed twice."""
    return isinstance(mark, tuple) and mark[0] is side and mark[1] == method.name and mark[2] is request
