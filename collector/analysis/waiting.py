"""Traces that wait until they are finished, within limits of memory and time.

In: spans as they arrive, with the time. Out: each trace once, finished or skipped with the reason. State: the spans of
waiting traces and the ids of decided ones, owned by one `Waiting`; used by one thread.
"""

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from collector.analysis.finished import Missing
from collector.analysis.seen import Seen

QUIET_S = 0.3
"""A complete trace is finished after this time without a new span."""
UNANSWERED_QUIET_S = 0.8
"""After a call that ended UNAVAILABLE: longer than the 500 ms in which the other process would send its spans."""
SETTLED_S = 3.0
"""After this time without a new span, the other side of a call is taken as not instrumented."""
GIVEN_UP_S = 60.0
"""After this time without a new span, what is missing does not come."""
OLDEST_S = 600.0
"""The same, after the trace's first span."""


class Reason(StrEnum):
    """Why a trace or a span does not count."""

    BATCH = "batch"
    """A dynamic batch: its time is a part of its requests, which wait for it."""
    NO_OPERATION = "no_operation"
    """No span has `search.operation`: it is not a request of a pipeline."""
    NO_ROOT = "no_root"
    MISSING_PARENT = "missing_parent"
    CYCLE = "cycle"
    """Spans are each other's parents."""
    CLOCK_SKEW = "clock_skew"
    """Two clocks differ by more than an hour."""
    TOO_MANY_SPANS = "too_many_spans"
    TOO_MANY_TRACES = "too_many_traces"
    """It waited for longest when memory ran out."""
    STOPPED = "stopped"
    """It waited when the program ended."""
    FAILED = "failed"
    """A fault of the analysis; the log has it."""


class LostReason(StrEnum):
    """Why spans do not count, apart from their traces."""

    LATE = "late"
    """Its trace was decided."""
    QUEUE_FULL = "queue_full"
    """They arrived faster than they were analysed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait."""

    spans_of_trace: int = 20_000
    spans: int = 100_000
    """About 500 bytes each."""
    traces: int = 10_000
    decided: int = 50_000
    """Ids of decided traces, to recognise their late spans."""


@dataclass(slots=True)
class _Trace:
    first: float
    last: float
    look_at: float = 0.0
    """When to look at it again."""
    spans: list[Seen] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Decided:
    """A trace that waits no longer; `skipped` is None if it is finished."""

    trace_id: str
    spans: Sequence[Seen]
    skipped: Reason | None = None


class Waiting:
    """The traces that wait."""

    def __init__(self, limits: Limits | None = None, decided: Iterable[str] = ()) -> None:
        """Begin; `decided` are traces of which spans arrived before."""
        self._limits = limits or Limits()
        self._traces: dict[str, _Trace] = {}  # by the arrival of their first span
        self._due: list[tuple[float, str]] = []  # a heap of their `look_at`; other entries are out of date
        self._decided: OrderedDict[str, None] = OrderedDict.fromkeys(islice(decided, self._limits.decided))
        self._spans = 0
        self.late = 0
        """Spans whose trace was decided, so far."""

    def add(self, spans: Mapping[str, Sequence[Seen]], now: float) -> Iterator[Decided]:
        """Add spans by trace; yield the traces that exceed the limits.

        Args:
            spans: by trace id.
            now: seconds, by a clock that only goes forward.
        """
        for trace_id, some in spans.items():
            if trace_id in self._decided:
                self.late += len(some)
                continue
            trace = self._traces.get(trace_id)
            if trace is None:
                trace = self._traces[trace_id] = _Trace(now, now)
            is_soon = now < trace.look_at <= now + QUIET_S  # `due` looks at it then, and again where that is too early
            if not is_soon:
                self._look(trace_id, now + QUIET_S)
            trace.last = now
            trace.spans += some
            self._spans += len(some)
            if len(trace.spans) > self._limits.spans_of_trace:
                yield self._decide(trace_id, Reason.TOO_MANY_SPANS)
            while len(self._traces) > self._limits.traces or self._spans > self._limits.spans:
                yield self._decide(next(iter(self._traces)), Reason.TOO_MANY_TRACES)

    @property
    def next_due(self) -> float | None:
        """When to call `due` again; None: nothing waits."""
        while self._due and not self._is_current(*self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def due(self, now: float) -> Iterator[Decided]:
        """The traces that are finished, or that cannot be finished any more.

        Args:
            now: as for `add`.
        """
        while self._due and self._due[0][0] <= now:
            look_at, trace_id = heapq.heappop(self._due)
            if not self._is_current(look_at, trace_id):
                continue
            verdict = _judge(self._traces[trace_id], now)
            if isinstance(verdict, float):
                self._look(trace_id, verdict)
            else:
                yield self._decide(trace_id, verdict)

    def end(self) -> Iterator[Decided]:
        """All that wait: complete ones are finished, though not quiet; the others are skipped."""
        for trace_id, trace in list(self._traces.items()):
            yield self._decide(trace_id, None if Missing(trace.spans).nothing else Reason.STOPPED)

    def _is_current(self, look_at: float, trace_id: str) -> bool:
        trace = self._traces.get(trace_id)
        return trace is not None and trace.look_at == look_at

    def _look(self, trace_id: str, at: float) -> None:
        self._traces[trace_id].look_at = at
        heapq.heappush(self._due, (at, trace_id))

    def _decide(self, trace_id: str, skipped: Reason | None) -> Decided:
        spans = self._traces.pop(trace_id).spans
        self._spans -= len(spans)
        self._decided[trace_id] = None
        if len(self._decided) > self._limits.decided:
            self._decided.popitem(last=False)
        if skipped:
            spans = []
        elif len({span.span_id for span in spans}) < len(spans):
            spans = list(dict.fromkeys(spans))  # one was sent twice
        return Decided(trace_id, spans, skipped)


def _judge(trace: _Trace, now: float) -> float | Reason | None:
    """None: it is finished; a reason: it will not be; else when to look again."""
    age_is_over = now >= trace.first + OLDEST_S
    if now < trace.last + QUIET_S and not age_is_over:
        return trace.last + QUIET_S
    missing = Missing(trace.spans)
    if missing.nothing:
        settles = trace.last + (UNANSWERED_QUIET_S if missing.answers else QUIET_S)
        return settles if now < settles and not age_is_over else None
    is_settled = now >= trace.last + SETTLED_S
    if is_settled and (missing.only_servers or missing.only_caller):
        return None  # the other side is not instrumented
    if age_is_over or now >= trace.last + GIVEN_UP_S:
        return Reason.NO_ROOT if missing.root else Reason.MISSING_PARENT
    return trace.last + (GIVEN_UP_S if is_settled else SETTLED_S)
