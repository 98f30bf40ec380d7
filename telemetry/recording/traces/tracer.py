# ruff: noqa: SLF001  the tracer writes the fields of its spans, and reads those of the SDK's that have no public name
"""The tracer of our own provider: it starts spans.

In: a name, a context, attributes, links. Out: a `Span`, or an `UnsampledSpan` where the sampler drops it; each sampled
span that ends goes to the provider's exporter. State: the decisions of the sampler that are the same for all spans.

The SDK's samplers `ALWAYS_ON` and `ALWAYS_OFF`, also inside `ParentBased`, are not called; every other one is called
for each span.
"""

from collections.abc import Callable, Mapping, Sequence
from random import getrandbits
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation import _SPAN_KEY
from opentelemetry.util.types import Attributes

from telemetry.recording.clock import clock
from telemetry.recording.current import get_current
from telemetry.recording.guard import guard
from telemetry.recording.traces.limits import Limits
from telemetry.recording.traces.remote_span import RemoteSpan
from telemetry.recording.traces.sampling import SAMPLED_BY_BATCH
from telemetry.recording.traces.span import Span
from telemetry.recording.traces.span_block import SpanBlock

_SAMPLED: Final = int(TraceFlags.SAMPLED)
_RANDOM: Final = int(TraceFlags.RANDOM_TRACE_ID)
_NONE: Final[Mapping[str, Any]] = {}


class UnsampledSpan(NonRecordingSpan):
    """A span that the sampler dropped: it propagates its trace, and gets an id when its context is first read."""

    _made_context: SpanContext | None = None
    tracer: "Tracer"
    trace_id: int
    flags: int
    state: Any = None

    def begin(self, tracer: "Tracer", trace_id: int, flags: int, state: Any) -> "UnsampledSpan":
        """Fill in a blank span, and return it."""
        self.tracer = tracer
        self.trace_id = trace_id
        self.flags = flags
        self.state = state
        return self

    def get_span_context(self) -> SpanContext:
        """Return the context, made at the first call: the same one for each thread."""
        made = self._made_context
        if made is None:
            made = SpanContext(self.trace_id, self.tracer.new_span_id(), False, TraceFlags(self.flags), self.state)
            made = self.__dict__.setdefault("_made_context", made)
        return made

    _context = property(get_span_context)

    def end_after(self, lasted: int) -> None:
        """Do nothing."""


_blank: Final[Callable[[type[Span]], Span]] = object.__new__
_blank_unsampled: Final[Callable[[type[UnsampledSpan]], UnsampledSpan]] = object.__new__


def _new_span_id() -> int:
    return getrandbits(64) or 1


def _new_trace_id() -> int:
    return getrandbits(128) or 1


def _always(sampler: Sampler) -> bool | None:
    """Return what a sampler decides about every span; None if it must be called."""
    return True if sampler is ALWAYS_ON else False if sampler is ALWAYS_OFF else None


def _of_children(of_unsampled: Sampler, of_sampled: Sampler) -> tuple[bool | None, bool | None]:
    """Return the decisions about the child of a span that is not sampled, and of one that is.

    For an unsampled parent, a sampler that samples is called all the same: the flags of the child are not its parent's.
    """
    return (_always(of_unsampled) and None, _always(of_sampled))


class Tracer(sdk.Tracer):
    """Starts spans of one scope; `sink` takes each sampled span that ends. Other arguments are the SDK's.

    Attributes: `limits` of its spans; `processors`, those that were added to the provider.
    """

    def __init__(self, *args: Any, sink: Callable[[Span], object] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sink = sink or _drop
        self.limits = Limits(self._span_limits)
        # Where OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED asks for it, the SDK counts spans that start and end.
        self.is_counted = hasattr(self._tracer_metrics, "_started_spans")
        self.instrumentation_scope = self._instrumentation_scope
        self._read_from: Sampler | None = None  # the one that the next three are of
        self._of_root: bool | None = None  # whether it samples a root; None: it is called for each one
        self._of_local: tuple[bool | None, bool | None] = (None, None)  # the child of a span that is not, or is sampled
        self._of_remote: tuple[bool | None, bool | None] = (None, None)

    @property
    def id_generator(self) -> IdGenerator:
        """Where ids come from."""
        return self._ids

    @id_generator.setter
    def id_generator(self, generator: IdGenerator) -> None:
        self._ids = generator
        is_random = type(generator) is RandomIdGenerator
        self.new_span_id: Callable[[], int] = _new_span_id if is_random else generator.generate_span_id
        self.new_trace_id: Callable[[], int] = _new_trace_id if is_random else generator.generate_trace_id
        self._root_flags = _RANDOM if generator.is_trace_id_random() else 0

    @property
    def span_processor(self) -> Any:
        """The provider's processors, those that are added later too; or the one that it was made with."""
        return self._processor

    @span_processor.setter
    def span_processor(self, processor: Any) -> None:
        self._processor = processor
        self.processors: Any = processor if hasattr(processor, "_span_processors") else _SingleProcessor(processor)

    def start_span(  # noqa: PLR0917  the API's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        """Start a span below the one in `context` (default: the current one); `start_time` in ns since 1970."""
        if context is None:
            context = get_current()
        span = self.start_prepared(name, context, kind, _NONE, _NONE, start_time, False)
        if span is None:
            span, attributes = self._start_asking(name, context, kind, attributes, links=links or (), start=start_time)
        if not isinstance(span, Span):
            return span
        if attributes:
            span.recorded_attributes, span.dropped_attributes = self.limits.of_span(attributes)
        if links:
            span.add_links(links)
        if not (record_exception and set_status_on_exception):
            span.set_on_exception(record_exception, set_status_on_exception)
        if self.processors._span_processors:
            with guard:
                self.processors.on_start(span, parent_context=context)
        return span

    def start_prepared(  # noqa: C901, PLR0912, PLR0917  one function, by position, for speed
        self,
        name: str,
        context: Mapping[str, object],
        kind: SpanKind,
        attributes: Mapping[str, Any],
        of_request: Mapping[str, Any] = _NONE,
        start_time: int | None = None,
        announced: bool = True,
    ) -> trace.Span | None:
        """Start a span with attributes that need no check: few, numbers and short texts.

        Arguments: `context`, or the values of one; `of_request`, the attributes that all spans of the request have;
        `announced`, whether processors learn of the span now.
        Returns None where only `start_span` can do it: the sampler must be called, or the limits are narrow.
        One function: amid the work of a request, each function that is called costs as much as what it does.
        """
        if self.sampler is not self._read_from:
            self._read_sampler()
        parent: Any = context.get(_SPAN_KEY)
        kind_of_parent, decision = type(parent), None
        if kind_of_parent is Span or kind_of_parent is UnsampledSpan:
            decision = self._of_local[parent.flags & _SAMPLED]
        elif kind_of_parent is RemoteSpan:
            decision = self._of_remote[parent.flags & _SAMPLED]
        elif parent is None and SAMPLED_BY_BATCH not in context:
            decision = self._of_root
        if decision is False:
            if parent is None:
                return _blank_unsampled(UnsampledSpan).begin(self, self.new_trace_id(), self._root_flags, None)
            flags = parent.flags & ~_SAMPLED
            return _blank_unsampled(UnsampledSpan).begin(self, parent.trace_id, flags, parent.state)
        if not decision or not self.limits.are_wide:
            return None
        span: Any = _blank(Span)
        span.tracer, span._resource = self, self.resource
        span._name, span._kind = name, kind
        is_random = self.new_span_id is _new_span_id
        if parent is None:
            span.trace_id = (getrandbits(128) or 1) if is_random else self.new_trace_id()
            span.flags = _SAMPLED | self._root_flags
        else:
            span.trace_id, span.flags = parent.trace_id, parent.flags | _SAMPLED
            span.parent_id = parent.span_id
            if kind_of_parent is RemoteSpan:
                span.parent_is_remote = True
            elif parent.state is not None:
                span.state = parent.state
        span.span_id = (getrandbits(64) or 1) if is_random else self.new_span_id()
        span._start_time = clock.wall() if start_time is None else start_time
        span._open = True
        if of_request:
            span.recorded_attributes = {**of_request, **attributes}
        elif attributes:
            span.recorded_attributes = dict(attributes)
        if self.processors._span_processors and announced:  # read for each span: one may be added at any time
            with guard:
                self.processors.on_start(span, parent_context=Context(context))
        return span  # type: ignore[no-any-return]  # typed as one, its fields could not be written

    def start_as_current_span(  # type: ignore[override]  # noqa: PLR0917  the API's signature; not a generator
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> SpanBlock:
        """Return a `with` block, or a decorator, that starts a span, makes it current and ends it."""
        arguments = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return SpanBlock(self.start_span, arguments, record_exception, set_status_on_exception, end_on_exit)

    def ended(self, span: Span) -> None:
        """Pass a span that has ended to the processors, and to the sink if it is sampled."""
        if self.is_counted and span.count_end is not None:
            span.count_end()
        if self.processors._span_processors:
            with guard:
                ending = getattr(self.processors, "_on_ending", None)
                if ending is not None:
                    ending(span)
                self.processors.on_end(span.readable())
        if span.flags & _SAMPLED:
            self.sink(span)

    def _set_tracer_config(self, tracer_config: Any) -> None:
        super()._set_tracer_config(tracer_config)
        self._read_from = None

    def _read_sampler(self) -> None:
        """Read from the sampler the decisions that are the same for all spans."""
        self._read_from = sampler = self.sampler
        self._of_root = None
        self._of_local = self._of_remote = (None, None)
        if not self._is_enabled() or self.is_counted:
            return
        if isinstance(sampler, ParentBased) and type(sampler).should_sample is ParentBased.should_sample:
            self._of_root = _always(sampler._root)
            self._of_local = _of_children(sampler._local_parent_not_sampled, sampler._local_parent_sampled)
            self._of_remote = _of_children(sampler._remote_parent_not_sampled, sampler._remote_parent_sampled)
        else:
            self._of_root = _always(sampler)
            self._of_local = self._of_remote = _of_children(sampler, sampler)

    def _start_asking(
        self,
        name: str,
        context: Context,
        kind: SpanKind,
        attributes: Attributes,
        *,
        links: Sequence[Link],
        start: int | None,
    ) -> tuple[trace.Span, Attributes]:
        """Start a span as the sampler decides; return it, and its attributes."""
        parent: Any = trace.get_current_span(context).get_span_context()
        if not self._is_enabled():
            return NonRecordingSpan(parent), None
        flags = 0
        if parent is None or not parent.is_valid:
            parent, trace_id = None, self.new_trace_id()
            flags = self._root_flags
        else:
            trace_id, flags = parent.trace_id, parent.trace_flags & _RANDOM
        result = self._sample(parent, context, trace_id, name, kind, attributes, links)
        if result.decision is Decision.RECORD_AND_SAMPLE:
            flags |= _SAMPLED
        count_end = self._tracer_metrics.start_span(parent, result.decision) if self.is_counted else None
        if result.decision is Decision.DROP:
            return _blank_unsampled(UnsampledSpan).begin(self, trace_id, flags, result.trace_state), None
        start = clock.wall() if start is None else start
        span = _blank(Span).begin(self, name, kind, trace_id, self.new_span_id(), flags, start)
        span.state = result.trace_state or None
        span.count_end = count_end
        if parent is not None:
            span.parent_id, span.parent_context = parent.span_id, parent
            span.parent_is_remote = parent.is_remote
        return span, result.attributes

    def _sample(self, parent: SpanContext | None, context: Context, *question: Any) -> SamplingResult:
        sampled = context.get(SAMPLED_BY_BATCH) if parent is None else None
        sampler = self.sampler if sampled is None else ALWAYS_ON if sampled else ALWAYS_OFF
        return sampler.should_sample(context, *question)


def _drop(_span: Span) -> None:
    """Take the spans of a provider without an exporter."""


class _SingleProcessor:
    """A processor that the provider was made with, in place of the SDK's list of processors."""

    _span_processors = (True,)

    def __init__(self, processor: Any) -> None:
        self.on_start = processor.on_start
        self.on_end = processor.on_end
        self._on_ending = getattr(processor, "_on_ending", None)
