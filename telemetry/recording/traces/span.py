"""Spans of our own tracer provider.

In: what the OpenTelemetry API writes to a span. Out: the ended span, to the tracer that made it. State: one `Span`
each, owned by the code that started it.

`Span` is a subclass of the SDK's, so that `isinstance(span, ReadableSpan)` of other libraries holds, without the SDK's
parts: no lock, no containers with limits, and a `SpanContext` only once it is asked for. The thread that exports hides
secrets.
"""

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes

from telemetry.privacy.copied import CopiedSpan
from telemetry.recording.attributes import PLAIN
from telemetry.recording.clock import clock
from telemetry.recording.traces.limits import Limits, limited, set_all_limited, set_limited

_log = logging.getLogger("search_telemetry")
UNSET: Final = Status(StatusCode.UNSET)
"""The status of a span until one is set."""
_NO_STATE: Final = TraceState.get_default()


class RecordedEvent(NamedTuple):
    """An event: its name, nanoseconds since 1970, its attributes (None: none), how many were dropped."""

    name: str
    timestamp: int
    attributes: dict[str, Any] | None
    dropped: int


class RecordedLink(NamedTuple):
    """A link: the span it leads to, its attributes (None: none), how many were dropped."""

    context: SpanContext
    attributes: dict[str, Any] | None
    dropped: int


class SpanTracer(Protocol):
    """What a span needs of its tracer."""

    limits: Limits
    resource: Resource
    instrumentation_scope: InstrumentationScope
    is_counted: bool
    processors: Any
    sink: Callable[["Span"], object]

    def ended(self, span: "Span") -> None:
        """Hand on a span that has ended."""


class Span(sdk.Span):
    """A span that records. `Tracer` makes it.

    Beside what the SDK's `Span` has, the exporter reads: `trace_id` and `span_id`; `parent_id`, 0 for a root, and
    `parent_is_remote`; `flags`; `state`, None where it is empty; `recorded_attributes`, None where it has none;
    `recorded_events` and `recorded_links`.
    """

    # What few spans have is an attribute of the class until it is set: that costs the others nothing.
    state: TraceState | None = None
    parent_id = 0
    parent_is_remote = False
    parent_context: SpanContext | None = None  # of a parent that is not a `Span` of ours
    recorded_attributes: dict[str, Any] | None = None
    recorded_events: Any = ()  # a list of `RecordedEvent` where there are any
    recorded_links: Any = ()  # a list of `RecordedLink`
    dropped_attributes = 0  # in place of the SDK's properties
    dropped_events = 0
    dropped_links = 0
    _end_time: int | None = None
    _status: Status = UNSET
    _record_exception = True
    _set_status_on_exception = True
    _made_context: SpanContext | None = None
    count_end: Callable[[], None] | None = None  # of the SDK's own metrics

    tracer: SpanTracer
    trace_id: int
    span_id: int
    flags: int
    _open: bool
    _start_time: int

    def begin(  # noqa: PLR0917  by position, for speed
        self, tracer: SpanTracer, name: str, kind: SpanKind, trace_id: int, span_id: int, flags: int, start_time: int
    ) -> "Span":
        """Fill in a blank span, and return it: `__new__` and `__init__` of the SDK would take twice as long."""
        self.tracer = tracer
        self._resource = tracer.resource
        self._name = name
        self._kind = kind
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        self._start_time = start_time
        self._open = True
        return self

    def get_span_context(self) -> SpanContext:
        """Return the context, made at the first call."""
        made = self._made_context
        if made is None:
            made = self._made_context = SpanContext(
                self.trace_id, self.span_id, is_remote=False, trace_flags=TraceFlags(self.flags),
                trace_state=self.state or _NO_STATE,
            )  # fmt: skip
        return made

    # What the SDK's own properties and methods read.
    _context = property(get_span_context)
    _parent = property(lambda self: self.parent_made())
    _attributes = property(lambda self: self.ensure_attributes())
    _events = property(
        lambda self: [sdk.Event(one.name, bounded(one), one.timestamp) for one in tuple(self.recorded_events)]
    )
    _links = property(lambda self: [Link(one.context, bounded(one)) for one in tuple(self.recorded_links)])
    _instrumentation_scope = property(lambda self: self.tracer.instrumentation_scope)
    _span_processor = property(lambda self: self.tracer.span_processor)
    _instrumentation_info = property(lambda self: self.tracer.instrumentation_info)

    def parent_made(self) -> SpanContext | None:
        """Return the parent's context; None for a root."""
        if self.parent_context is not None or not self.parent_id:
            return self.parent_context
        return SpanContext(
            self.trace_id, self.parent_id, self.parent_is_remote, TraceFlags(self.flags), self.state or _NO_STATE
        )

    def is_recording(self) -> bool:
        """Return whether the span has not ended."""
        return self._end_time is None

    def start(self, start_time: int | None = None, parent_context: Context | None = None) -> None:  # noqa: ARG002  as in the SDK
        """Do nothing: the tracer has started the span."""
        _log.warning("a span was started twice")

    def ensure_attributes(self) -> dict[str, Any]:
        """Return the dictionary of the attributes, made where there is none."""
        attributes = self.recorded_attributes
        if attributes is None:  # one step of the interpreter: of two threads, one sets it
            attributes = self.__dict__.setdefault("recorded_attributes", {})
        return attributes

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute."""
        if self._end_time is not None:
            _log.warning("an attribute was set on a span that has ended")
            return
        known = self.recorded_attributes
        if known is None:
            known = self.ensure_attributes()
        if type(value) in PLAIN and type(value) is not str and type(key) is str and key in known:
            known.pop(key, None)
            known[key] = value
            return
        limits = self.tracer.limits
        dropped = set_limited(known, key, value, limits.attributes, limits.length)
        if dropped:
            self.dropped_attributes += dropped

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        if self._end_time is not None:
            _log.warning("attributes were set on a span that has ended")
            return
        if not attributes:
            return
        known, limits = self.ensure_attributes(), self.tracer.limits
        if type(attributes) is dict and len(known) + len(attributes) <= limits.attributes:
            length = limits.length
            for key, value in attributes.items():
                kind = type(value)
                if kind not in PLAIN or type(key) is not str or not key or key in known:
                    break
                if kind is str and len(value) > length:
                    break
            else:
                known.update(attributes)
                return
        self.dropped_attributes += set_all_limited(known, attributes, limits.attributes, limits.length)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event; `timestamp` in nanoseconds since 1970 (default: now)."""
        if self._end_time is not None:
            _log.warning("an event was added to a span that has ended")
            return
        limits = self.tracer.limits
        own, dropped = limited(attributes, limits.event_attributes, limits.other_length)
        event = RecordedEvent(name, clock.wall() if timestamp is None else timestamp, own, dropped)
        events = self.recorded_events or self.__dict__.setdefault("recorded_events", [])
        events.append(event)
        if len(events) > limits.events:
            del events[:1]
            self.dropped_events += 1

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link to another span, unless it is empty."""
        if not is_kept(context, attributes):
            return
        if self._end_time is not None:
            _log.warning("a link was added to a span that has ended")
            return
        self.add_links((Link(context, attributes),))

    def add_links(self, links: Sequence[Link]) -> None:
        """Add links, the last ones where there is not room for all."""
        limits = self.tracer.limits
        found = self.recorded_links or self.__dict__.setdefault("recorded_links", [])
        for link in links:
            if link and is_kept(link.context, link.attributes):
                own, dropped = limited(link.attributes, limits.link_attributes, limits.other_length)
                found.append(RecordedLink(link.context, own, dropped))
        over = len(found) - limits.links
        if over > 0:
            del found[:over]
            self.dropped_links += over

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        if self._end_time is not None:
            _log.warning("the name of a span that has ended was changed")
            return
        self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status; `OK` stays, and `UNSET` changes nothing (OpenTelemetry's specification of spans)."""
        if self._end_time is not None:
            _log.warning("a status was set on a span that has ended")
            return
        if isinstance(status, StatusCode):
            status = Status(status, description)
        elif not isinstance(status, Status):
            return
        elif description is not None:
            _log.warning("a description beside a `Status` is ignored: the status has its own")
        if self._status.status_code is not StatusCode.OK and status.status_code is not StatusCode.UNSET:
            self._status = status

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Add the event of an exception."""
        kind = type(exception)
        module, name = kind.__module__, kind.__qualname__
        described: dict[str, Any] = {
            "exception.type": f"{module}.{name}" if module and module != "builtins" else name,
            "exception.message": text_of(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**described, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End the span, the first time; `end_time` in nanoseconds since 1970 (default: now)."""
        try:
            del self._open  # one step of the interpreter: of two threads, one ends the span
        except AttributeError:
            _log.warning("a span was ended twice")
            return
        self._end_time = clock.wall() if end_time is None else end_time
        self.tracer.ended(self)

    def end_after(self, lasted: int) -> None:
        """End the span `lasted` nanoseconds after its start, unless it has ended."""
        try:
            del self._open
        except AttributeError:
            return
        self._end_time = self._start_time + lasted
        tracer = self.tracer
        if tracer.is_counted or tracer.processors._span_processors:  # noqa: SLF001  the SDK's tuple
            tracer.ended(self)
        elif self.flags & 1:  # as `ended` does it, without the call
            tracer.sink(self)

    def end_prepared(self, attributes: Mapping[str, Any], end_time: int) -> None:
        """Set attributes that need no check, and end the span, unless it has ended."""
        known, tracer = self.recorded_attributes, self.tracer
        limits = tracer.limits
        if known is None or len(known) + len(attributes) > limits.attributes or not limits.are_wide:
            if self.is_recording():
                self.set_attributes(attributes)
                self.end(end_time)
            return
        try:
            del self._open
        except AttributeError:
            return
        known.update(attributes)
        self._end_time = end_time
        if tracer.is_counted or tracer.processors._span_processors:  # noqa: SLF001  the SDK's tuple
            tracer.ended(self)
        elif self.flags & 1:  # as above
            tracer.sink(self)

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """End the span, and record an exception that leaves `with span:`, also a `BaseException`."""
        if exc is not None and self.is_recording():
            if self._record_exception:
                self.record_exception(exc, escaped=True)
            if self._set_status_on_exception:
                self.set_status(error_status(exc))
        self.end()

    def readable(self) -> CopiedSpan:
        """Return a copy without write methods, for processors, which may keep it."""
        return CopiedSpan(
            self, attributes=dict(self.recorded_attributes or {}), instrumentation_info=self._instrumentation_info
        )

    _readable_span = readable

    def set_on_exception(self, record: bool, fail: bool) -> None:
        """Set what an exception that leaves `with span:` does: it is recorded; the status becomes an error."""
        self._record_exception = record
        self._set_status_on_exception = fail


def bounded(one: RecordedEvent | RecordedLink) -> BoundedAttributes:
    """Return the attributes of an event or a link as the SDK has them."""
    own = BoundedAttributes(attributes=one.attributes)
    own.dropped = one.dropped
    return own


def text_of(exc: BaseException) -> str:
    """Return the message of an exception; if its `__str__` raises, what a traceback shows in its place."""
    try:
        return str(exc)
    except Exception:  # noqa: BLE001  user code may raise anything
        return f"<{type(exc).__name__} str() failed>"


def error_status(exc: BaseException) -> Status:
    """Return the status of a span that an exception left, as the SDK writes it."""
    return Status(StatusCode.ERROR, f"{type(exc).__name__}: {text_of(exc)}")


def is_kept(context: SpanContext, attributes: Attributes) -> bool:
    """Return whether a link is kept: its context is valid, or it has attributes or a trace state."""
    return bool(context and (context.is_valid or attributes or context.trace_state))
