"""Filters of traces, as a condition on the view `traces` with parameters: values never become part of the SQL text.

`service`, `operation` and `status` describe one span of a trace; the terms of the filter language one span, too, which
may be another: the entry, and what is looked for below it. Each attribute may be on any span, or on that span's
resource; the others are of the whole trace. Traces whose root is a batch of dynamic batching are left out by default:
each request links to its batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from collector.local.errors import QueryError
from collector.local.query.language.conditions import EVERY_SPAN, Condition, all_of, is_of_span, of_traces
from collector.local.query.language.fields import STATUSES
from collector.local.query.language.terms import Term
from telemetry.conventions import BATCH

BEGAN = "coalesce(nullif(start_unix_ns, 0), end_unix_ns)"
"""When a span began; if it has no start, when it ended. 0: it has neither."""
FIRST = f"coalesce(min(nullif({BEGAN}, 0)), 0)"
"""When the first of some spans began."""
LATEST = 2**63 - 1


@dataclass(frozen=True)
class TraceFilter:
    """Default values do not filter."""

    service: str | None = None
    operation: str | None = None
    status: str | None = None
    min_duration_ns: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    """The values as text: `true`, `12`, `0.5`, `pamazon`."""
    since_ns: int = 0
    """Unix nanoseconds; a trace without any time began at 0."""
    until_ns: int = LATEST
    batches: bool = False
    """Include batches; `operation="batch"` does, too."""
    platform: str | None = None
    region: str | None = None
    version: str | None = None
    """`2.0.0` of any service, or `clip_encoder 2.0.0`."""
    where: tuple[Term, ...] = ()
    """The terms of the filter language."""

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in STATUSES:
            message = f"status must be one of {', '.join(STATUSES)}, got {self.status}."
            raise QueryError("bad_request", message, "Correct it, or leave it out.")

    @property
    def terms(self) -> tuple[Term, ...]:
        """All of it in the filter language, but for the times, the duration and the batches."""
        return (*self._named, *self.where)

    @property
    def _named(self) -> tuple[Term, ...]:
        one_span = {"service": self.service, "operation": self.operation, "status": self.status}
        who = {"platform": self.platform, "region": self.region, "version": self.version}
        named = [Term(key, "=", (value,)) for key, value in (one_span | who).items() if value is not None]
        attributes = [Term(key, "=", (value,), quoted=True) for key, value in self.attributes.items()]
        return (*named, *attributes)

    @property
    def entry(self) -> tuple[Term, ...]:
        """Terms for traces that enter at the operation and the service: they need no spans."""
        asked = (("entry.service", self.service), ("entry", self.operation))
        return tuple(Term(key, "=", (value,)) for key, value in asked if value is not None)

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for more than time, who, and the operation."""
        return bool(self.where or self.attributes or self.status or self.min_duration_ns)

    @property
    def of_spans(self) -> bool:
        """Whether spans must be read, and not only the summaries of traces."""
        return any(is_of_span(term) for term in self.terms)

    def condition(self, spans: Condition = EVERY_SPAN) -> Condition:
        """A condition on the rows of `traces`, and its parameters; `true` without a filter.

        Args:
            spans: a condition on `span_facts` that holds for all spans of the traces in question.
        """
        conditions: list[Condition] = []
        if self.since_ns > 0 or self.until_ns < LATEST:
            conditions.append(("start_unix_ns BETWEEN ? AND ?", [self.since_ns, self.until_ns]))
        if self.min_duration_ns:
            conditions.append(("duration_ns >= ?", [self.min_duration_ns]))
        if not self.batches and not self._asks_for_batches():
            conditions.append(("NOT is_batch", []))
        conditions += [of_traces(terms, spans) for terms in (self._named, self.where) if terms]
        return all_of(conditions)

    def without_operation(self) -> "TraceFilter":
        """The same for any operation of any service."""
        return replace(self, service=None, operation=None)

    def without_spans(self) -> "TraceFilter":
        """The same without what spans must have."""
        where = tuple(term for term in self.where if not is_of_span(term))
        batches = self.batches or self._asks_for_batches()
        return replace(self, service=None, operation=None, status=None, attributes={}, where=where, batches=batches)

    def only_spans(self) -> "TraceFilter":
        """The same without anything but the time and what spans must have."""
        where = tuple(term for term in self.where if is_of_span(term))
        batches = self.batches or self._asks_for_batches()
        return replace(self, platform=None, region=None, version=None, min_duration_ns=0, where=where, batches=batches)

    def _asks_for_batches(self) -> bool:
        asked = (term.values for term in self.where if term.key == "operation" and term.operator == "=")
        return self.operation == BATCH.name or any(BATCH.name in values for values in asked)
