"""The results of the queries: frozen rows whose fields are those of the JSON API.

Times and durations are nanoseconds, ids lower-case hexadecimal. Attribute values are as in the store: bytes as base64
text, non-finite numbers as "NaN", "Infinity", "-Infinity".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

Attributes = Mapping[str, Any]
Real = Annotated[float, "as sent: NaN, Infinity and -Infinity are texts in JSON"]
Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, and the cursor of the next page: pass `next` as `before`. None: there are no more."""

    rows: Sequence[Row]
    next: str | None = None


@dataclass(frozen=True)
class Arrivals(Generic[Row]):
    """Rows that arrived since the last call, and the cursor for the next call: pass `after` again."""

    rows: Sequence[Row]
    after: str


@dataclass(frozen=True)
class Sample:
    """What an answer looked at, where that is not everything that matches."""

    traces: int
    of: int

    @property
    def scale(self) -> float:
        """By how much counts in the sample are smaller than those of everything."""
        return self.traces / max(self.of, 1)


@dataclass(frozen=True)
class Event:
    """Something that happened at one moment of a span."""

    name: str
    time_unix_ns: int
    offset_ns: int
    """From the trace's start; safe in JavaScript, which `time_unix_ns` is not."""
    attributes: Attributes
    dropped_attributes: int


@dataclass(frozen=True)
class Link:
    """A link from a span to another, usually of another trace."""

    trace_id: str
    span_id: str
    attributes: Attributes
    trace_state: str
    flags: int
    dropped_attributes: int
    stored: bool
    """Whether a span of that trace is stored: it may not have been sampled, or not have arrived."""


@dataclass(frozen=True)
class Span:
    """One span with its place in the trace."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    depth: int
    """Steps from its root: the shape of the tree, without rebuilding it from ids."""
    name: str
    kind: str
    service: str
    start_unix_ns: int
    """0 if it is not known; the span is then placed at its end."""
    end_unix_ns: int
    """0 if the span has not ended; may be before the start, if a clock was set back."""
    offset_ns: int
    """From the trace's start; safe in JavaScript, which `start_unix_ns` is not."""
    duration_ns: int
    """0 without an end after a known start."""
    self_ns: int
    critical_ns: int
    critical_parts: Sequence[tuple[int, int]]
    """When the span is on the critical path: offset and duration of each part; the durations sum to `critical_ns`."""
    status: str
    status_message: str
    attributes: Attributes
    resource: Attributes
    scope: str
    scope_version: str
    scope_attributes: Attributes
    trace_state: str
    flags: int
    events: Sequence[Event]
    links: Sequence[Link]
    dropped_attributes: int
    dropped_events: int
    dropped_links: int


@dataclass(frozen=True)
class Trace:
    """One trace, spans in tree order: each parent before its children, siblings by start."""

    trace_id: str
    start_unix_ns: int
    duration_ns: int
    """From the first span's start to the last one's end; the root's own is `spans[0].duration_ns`."""
    services: Sequence[str]
    """In the order of the tree."""
    spans: Sequence[Span]
    logs: "Sequence[TraceLog]" = ()
    """Oldest first, the first 1,000."""
    log_count: int = 0


@dataclass(frozen=True)
class TraceRow:
    """One trace in a list."""

    trace_id: str
    root_service: str
    root_operation: str
    start_unix_ns: int
    duration_ns: int
    span_count: int
    error_count: int
    open_count: int
    """Spans that have not ended: the trace lasts longer than `duration_ns`."""
    untimed_count: int
    """Spans without a start, or that end before they begin."""
    entry_service: str
    """Of the endpoint at which the request entered; without one of ours, of the root."""
    entry_operation: str
    entry_duration_ns: int | None
    search_operation: str | None
    platform: str | None
    region: str | None
    outcome: str
    """ok, error, rejected or cancelled."""
    len_docs: int | None
    """Documents of the request."""
    hits: int | None
    """Results; None: it is not a search."""
    transit_ns: int | None
    """Time on the way to the entry and back; None: the trace does not begin with a client."""


@dataclass(frozen=True)
class SharedRow:
    """One attribute of spans or resources, and how many traces have it."""

    services: list[str]
    """Those whose spans have it in the same number of traces."""
    key: str
    sign: str
    """`=`, `≥` or `<`."""
    value: str
    """As text; JSON of a list."""
    matching: int
    """Traces with it, of those that match."""
    of_matching: int
    others: int
    """Traces with it, of those that do not."""
    of_others: int


@dataclass(frozen=True)
class ServiceRow:
    """One service, with its counts."""

    service: str
    span_count: int
    error_count: int
    operation_count: int
    first_unix_ns: int
    last_unix_ns: int


@dataclass(frozen=True)
class OperationRow:
    """The spans of one name and kind in one service."""

    service: str
    operation: str
    kind: str
    count: int
    rate: float
    """Spans per second, from the first start to the last end, at least over one second."""
    error_ratio: float
    """0 to 1."""
    p50_ns: int | None
    p95_ns: int | None
    p99_ns: int | None
    """Percentiles are durations that occurred (nearest rank), not interpolated; over the spans with an end after a
    known start, None if there are none."""


@dataclass(frozen=True)
class MetricRow:
    """One metric in a list."""

    name: str
    type: str
    unit: str
    description: str
    services: Sequence[str]
    series_count: int
    point_count: int
    last_unix_ns: int


@dataclass(frozen=True)
class Exemplar:
    """One measurement behind a point, with the trace it was made in."""

    time_unix_ns: int
    value: int | Real | None
    trace_id: str | None
    span_id: str | None
    attributes: Attributes


@dataclass(frozen=True)
class Point:
    """One series at one time. Fields that its type does not have are None."""

    time_unix_ns: int
    start_unix_ns: int
    flags: int
    value: int | Real | None
    count: int | None
    sum: Real | None
    min: Real | None
    max: Real | None
    bounds: Sequence[Real] | None
    bucket_counts: Sequence[int] | None
    scale: int | None
    zero_count: int | None
    zero_threshold: Real | None
    positive_offset: int | None
    positive_counts: Sequence[int] | None
    negative_offset: int | None
    negative_counts: Sequence[int] | None
    quantiles: Sequence[Real] | None
    quantile_values: Sequence[Real] | None
    exemplars: Sequence[Exemplar]


@dataclass(frozen=True)
class Series:
    """The points of one attribute set from one resource, oldest first."""

    service: str
    attributes: Attributes
    resource: Attributes
    scope: str
    type: str
    unit: str
    temporality: str
    monotonic: bool
    points: Sequence[Point]
    ended: bool
    """Its process does not send metrics any more."""
    missed_after_ns: int
    """Three of its export intervals: if another process sent for this much longer, this one had ended before it."""


@dataclass(frozen=True)
class Metric:
    """One metric with its series; `next` as in `Page`, over all points."""

    name: str
    type: str
    unit: str
    description: str
    series: Sequence[Series]
    next: str | None


@dataclass(frozen=True)
class LogRow:
    """One log record."""

    time_unix_ns: int
    observed_unix_ns: int
    severity_number: int
    severity_text: str
    body: Any
    event_name: str
    service: str
    trace_id: str | None
    span_id: str | None
    attributes: Attributes
    resource: Attributes
    scope: str


@dataclass(frozen=True)
class TraceLog(LogRow):
    """A log record of a trace, with its place in it."""

    offset_ns: int
    """From the trace's start."""


@dataclass(frozen=True)
class StoreStats:
    """How many records are in the store."""

    traces: int
    spans: int
    metric_points: int
    logs: int
