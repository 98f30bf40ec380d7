"""Spans of our own tracer provider.

In: what the OpenTelemetry API writes to a span. Out: the ended span, to the tracer that made it. State: one `Span`
each, owned by whoever started it.

A span is a class of OpenTelemetry's SDK, so that whoever asks `isinstance(span, ReadableSpan)` goes on working, and has
none of the SDK's parts: no lock, no containers with limits, no `SpanContext` until someone asks for it. Secrets are
hidden by the thread that exports.
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
from telemetry.recording.clock import clock
from telemetry.recording.limits import PLAIN, Limits, kept, put, put_all

_log = logging.getLogger("search_telemetry")
UNSET: Final = Status(StatusCode.UNSET)
"""The status of a span until one is set."""
_NO_STATE: Final = TraceState.get_default()


class RecordedEvent(NamedTuple):
    """An event: its name, nanoseconds since 1970, its attributes (None: none), how many of these were lost."""

    name: str
    timestamp: int
    attributes: dict[str, Any] | None
    lost: int


class RecordedLink(NamedTuple):
    """A link: the span it leads to, its attributes (None: none), how many of these were lost."""

    context: SpanContext
    attributes: dict[str, Any] | None
    lost: int


class Maker(Protocol):
    """What a span needs of its tracer."""

    limits: Limits
    resource: Resource
    instrumentation_scope: InstrumentationScope

    def ended(self, span: "Span") -> None:
        """Hand on a span that has ended."""


class Span(sdk.Span):
    """A span that records. `Tracer` makes it.

    Beside what the SDK's `Span` has, the exporter reads: `trace_id` and `span_id`; `parent_id`, 0 for a root, and
    `parent_is_remote`; `flags`; `state`, None where it is empty; `given`, its attributes, None where it has none;
    `recorded_events` and `recorded_links`; `lost_attributes`, `lost_events` and `lost_links`.
    """

    # What few spans have is an attribute of the class until it is set: that costs the others nothing.
    state: TraceState | None = None
    parent_id = 0
    parent_is_remote = False
    parent_context: SpanContext | None = None  # of a parent that is not a `Span` of ours
    given: dict[str, Any] | None = None
    recorded_events: Any = ()  # a list of `RecordedEvent` where there are any
    recorded_links: Any = ()  # a list of `RecordedLink`
    lost_attributes = 0
    lost_events = 0
    lost_links = 0
    _end_time: int | None = None
    _status: Status = UNSET
    _record_exception = True
    _set_status_on_exception = True
    _made_context: SpanContext | None = None
    count_end: Callable[[], None] | None = None  # of the SDK's own metrics

    tracer: Maker
    trace_id: int
    span_id: int
    flags: int
    _open: bool
    _start_time: int

    def begin(  # noqa: PLR0917  by position, for speed
        self, tracer: Maker, name: str, kind: SpanKind, trace_id: int, span_id: int, flags: int, start_time: int
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
        """Return the context, made when someone first asks for it."""
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
    _attributes = property(lambda self: self.own_attributes())
    _events = property(
        lambda self: [sdk.Event(one.name, bounded(one), one.timestamp) for one in tuple(self.recorded_events)]
    )
    _links = property(lambda self: [Link(one.context, bounded(one)) for one in tuple(self.recorded_links)])
    _instrumentation_scope = property(lambda self: self.tracer.instrumentation_scope)
    _span_processor = property(lambda self: self.tracer.span_processor)
    _instrumentation_info = property(lambda self: self.tracer.instrumentation_info)
    dropped_attributes = property(lambda self: self.lost_attributes)
    dropped_events = property(lambda self: self.lost_events)
    dropped_links = property(lambda self: self.lost_links)

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

    def own_attributes(self) -> dict[str, Any]:
        """Return the attributes, where nobody has set one yet an empty dictionary that is theirs from now on."""
        given = self.given
        return (
            self.__dict__.setdefault("given", {}) if given is None else given
        )  # one step: of two threads, one sets it

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute."""
        if self._end_time is not None:
            _log.warning("an attribute was set on a span that has ended")
            return
        given = self.given
        if given is None:
            given = self.own_attributes()
        if type(value) in PLAIN and type(value) is not str and type(key) is str and key in given:
            given.pop(key, None)
            given[key] = value
            return
        limits = self.tracer.limits
        lost = put(given, key, value, limits.attributes, limits.length)
        if lost:
            self.lost_attributes += lost

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        if self._end_time is not None:
            _log.warning("attributes were set on a span that has ended")
            return
        if not attributes:
            return
        given, limits = self.own_attributes(), self.tracer.limits
        if type(attributes) is dict and len(given) + len(attributes) <= limits.attributes:
            length = limits.length
            for key, value in attributes.items():
                kind = type(value)
                if kind not in PLAIN or type(key) is not str or not key or key in given:
                    break
                if kind is str and len(value) > length:
                    break
            else:
                given.update(attributes)
                return
        self.lost_attributes += put_all(given, attributes, limits.attributes, limits.length)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event; `timestamp` in nanoseconds since 1970 (default: now)."""
        if self._end_time is not None:
            _log.warning("an event was added to a span that has ended")
            return
        limits = self.tracer.limits
        own, lost = kept(attributes, limits.event_attributes, limits.other_length)
        event = RecordedEvent(name, clock.wall() if timestamp is None else timestamp, own, lost)
        events = self.recorded_events or self.__dict__.setdefault("recorded_events", [])
        events.append(event)
        if len(events) > limits.events:
            del events[:1]
            self.lost_events += 1

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link to another span, unless it says nothing."""
        if not says_something(context, attributes):
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
            if link and says_something(link.context, link.attributes):
                own, lost = kept(link.attributes, limits.link_attributes, limits.other_length)
                found.append(RecordedLink(link.context, own, lost))
        over = len(found) - limits.links
        if over > 0:
            del found[:over]
            self.lost_links += over

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        if self._end_time is not None:
            _log.warning("a name was given to a span that has ended")
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
            _log.warning("a description was given beside a status that has its own: it is not kept")
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
        """End the span so many nanoseconds after its start, unless somebody has ended it."""
        try:
            del self._open
        except AttributeError:
            return
        self._end_time = self._start_time + lasted
        self.tracer.ended(self)

    def end_prepared(self, attributes: dict[str, Any], end_time: int) -> None:
        """Set attributes that need no check, and end the span unless the user has ended it."""
        given, tracer = self.given, self.tracer
        limits = tracer.limits
        if given is None or len(given) + len(attributes) > limits.attributes or not limits.are_wide:
            if self.is_recording():
                self.set_attributes(attributes)
                self.end(end_time)
            return
        try:
            del self._open
        except AttributeError:
            return
        given.update(attributes)
        self._end_time = end_time
        tracer.ended(self)

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """End the span, and record an exception that leaves `with span:`, also one that is no `Exception`."""
        if exc is not None and self.is_recording():
            if self._record_exception:
                self.record_exception(exc, escaped=True)
            if self._set_status_on_exception:
                self.set_status(Status(StatusCode.ERROR, f"{type(exc).__name__}: {text_of(exc)}"))
        self.end()

    def readable(self) -> CopiedSpan:
        """Return a copy that nobody can write to, for processors that keep it."""
        return CopiedSpan(self, attributes=dict(self.given or {}), instrumentation_info=self._instrumentation_info)

    _readable_span = readable

    def set_on_exception(self, record: bool, fail: bool) -> None:
        """Set what an exception that leaves `with span:` does: it is recorded; the status becomes an error."""
        self._record_exception = record
        self._set_status_on_exception = fail


def bounded(one: RecordedEvent | RecordedLink) -> BoundedAttributes:
    """Return the attributes of an event or a link as the SDK has them."""
    own = BoundedAttributes(attributes=one.attributes)
    own.dropped = one.lost
    return own


def text_of(exc: BaseException) -> str:
    """Return the message of an exception; if its `__str__` raises, what a traceback shows in its place."""
    try:
        return str(exc)
    except Exception:  # noqa: BLE001  user code may raise anything
        return f"<{type(exc).__name__} str() failed>"


def says_something(context: SpanContext, attributes: Attributes) -> bool:
    """Return whether a link is kept: it leads somewhere, or it has attributes or a trace state."""
    return bool(context and (context.is_valid or attributes or context.trace_state))
