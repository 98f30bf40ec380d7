"""Counts finished traces: what each stage held of the critical path, what it would save, and the time on the way.

In: decided traces. Out: values of the metrics of `telemetry.conventions.criticalpath`, to whom it was given.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from collector.analysis.critical_path import critical_times
from collector.analysis.saving import savings
from collector.analysis.seen import NS, Seen
from collector.analysis.skew import align
from collector.analysis.stages import stages_of
from collector.analysis.transit import transit_ns
from collector.analysis.tree import Tree, build
from collector.analysis.waiting import Decided, LostReason, Reason
from telemetry import conventions as c

Record = Callable[[c.Metric, float, Mapping[str, str], Context | None], None]
"""Adds a value to a metric; bounds the attributes. The context holds the span for an exemplar."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Path:
    """What is counted of one trace; times in nanoseconds."""

    operation: str
    times: Mapping[str, int]
    """By stage; sums to the root's duration."""
    savings: Mapping[str, int]
    """By stage, those with a time."""
    transit: int | None
    """None if the trace does not begin with a client and its server."""
    root: Seen
    skewed: int
    """SERVER spans that were moved."""


def path_of(spans: Sequence[Seen]) -> Path | Reason:
    """What is counted of a finished trace, or why it does not count.

    Args:
        spans: at least one, all of one trace.
    """
    tree = build(spans)
    root = spans[tree.root]
    if root.name == c.BATCH.name and root.parent_span_id is None:
        return Reason.BATCH
    if _has_cycle(spans, tree):
        return Reason.CYCLE
    operation = next((spans[index].operation for index, _ in tree.order if spans[index].operation), None)
    if operation is None:
        return Reason.NO_OPERATION
    kinds = [span.kind for span in spans]
    aligned = align(tree, kinds)
    if aligned.too_far:
        return Reason.CLOCK_SKEW
    stages = stages_of(spans, aligned.tree)
    times: Counter[str] = Counter()
    for stage, time in zip(stages, critical_times(aligned.tree), strict=True):
        if time:
            times[stage] += time
    return Path(operation, times, savings(aligned.tree, stages, times), transit_ns(tree, kinds), root, aligned.moved)


def _has_cycle(spans: Sequence[Seen], tree: Tree) -> bool:
    """Whether a root has a parent in the trace: it was the earliest span of a cycle."""
    above = [spans[root].parent_span_id for root in tree.roots if spans[root].parent_span_id is not None]
    return bool(above) and not {span.span_id for span in spans}.isdisjoint(above)


class Counting:
    """Counts decided traces.

    Args:
        record: takes the values.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._nanoseconds: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        self.counted = 0
        """Traces that count, so far."""
        self.skipped: Counter[Reason] = Counter()
        """Traces that do not, by reason."""
        for reason in Reason:  # a series that begins with its first value shows no increase
            self._skip(reason, 0)
        for lost in LostReason:
            self.lose(lost, 0)
        record(c.CRITICAL_PATH_SKEWED, 0, {}, None)

    def count(self, decided: Decided) -> None:
        """Count one trace. Never raises."""
        try:
            found = decided.skipped or path_of(decided.spans)
            if isinstance(found, Path):
                self._add(found, decided.trace_id)
            else:
                self._skip(found, 1)
        except Exception:  # noqa: BLE001 (one trace must not end the analysis of the others)
            _log.warning("Trace %s could not be analysed.", decided.trace_id, exc_info=True)
            self._skip(Reason.FAILED, 1)

    def lose(self, reason: LostReason, spans: int) -> None:
        """Count spans that do not count."""
        self._record(c.CRITICAL_PATH_LOST, spans, {c.SEARCH_CRITICAL_PATH_REASON.name: reason}, None)

    def _skip(self, reason: Reason, traces: int) -> None:
        if traces:
            self.skipped[reason] += traces
        self._record(c.CRITICAL_PATH_SKIPPED, traces, {c.SEARCH_CRITICAL_PATH_REASON.name: reason}, None)

    def _add(self, path: Path, trace_id: str) -> None:
        self.counted += 1
        for stage, time in path.times.items():
            both = self._nanoseconds[path.operation, stage]
            both[0] += time
            both[1] += path.savings[stage]
        if path.transit is not None:
            of = {c.SEARCH_OPERATION: path.operation, c.CLIENT_PLATFORM: path.root.platform}
            of[c.CLIENT_REGION] = path.root.region
            known = {attribute.name: value for attribute, value in of.items() if value is not None}
            self._record(c.TRANSIT_DURATION, path.transit / NS, known, exemplar(trace_id, path.root.span_id))
        if path.skewed:
            self._record(c.CRITICAL_PATH_SKEWED, path.skewed, {}, None)

    def flush(self) -> None:
        """Record the times of what was counted since the last time: together, which costs less than each."""
        found, self._nanoseconds = self._nanoseconds, defaultdict(lambda: [0, 0])
        for (operation, stage), both in found.items():
            of = {c.SEARCH_OPERATION.name: operation, c.SEARCH_STAGE.name: stage}
            for metric, nanoseconds in zip((c.CRITICAL_PATH_TIME, c.CRITICAL_PATH_SAVING), both, strict=True):
                self._record(metric, nanoseconds / NS, of, None)


def exemplar(trace_id: str, span_id: str) -> Context:
    """A context with a span of these ids, hexadecimal."""
    span = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(span), Context())
