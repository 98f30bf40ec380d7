"""One operation in a range: percentiles and rates over time, outcomes, errors by type, and where the time is spent."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from duckdb import DuckDBPyConnection

from collector.analysis.critical_path import critical_times
from collector.local.query.lookup.numbers import latest
from collector.local.query.lookup.trace_shapes import shapes_of_traces
from collector.local.query.model import Sample
from collector.local.query.overview.asked import MINUTE, NS, Asked, Steps
from collector.local.query.overview.buckets import count_of, quantiles_of
from collector.local.query.overview.errors import NOT_BY_CALLER, ErrorCount, errors
from collector.local.query.overview.inner import inner_spans, traces_with_span
from collector.local.query.overview.scatter import entry_condition
from telemetry.conventions import STAGE_TRANSIT

MOST_STEPS = 60
OF_CHILDREN = 200
"""Traces whose spans are read."""
MOST_CHILDREN = 20


@dataclass(frozen=True)
class Outcomes:
    """How many requests ended how."""

    ok: int
    error: int
    rejected: int
    """The caller's mistake."""
    cancelled: int
    """The caller went away."""
    empty: int
    """Without documents, whatever their outcome."""


@dataclass(frozen=True)
class ChildTime:
    """How long the ends of the traces waited for the spans of one name."""

    service: str
    operation: str
    on_the_way: bool
    """Whether it is the time of a call outside of the process that served it."""
    time_ns: int
    """On the critical path, over all traces looked at."""
    share: float
    """Of the duration of these traces; the shares of all spans sum to 1."""


@dataclass(frozen=True)
class Summary:
    """The lists have a value for each step; None, or 0 for rates, where there was no request."""

    count: int
    is_inner: bool
    """No request entered at that operation: these are spans inside of requests, of which clients, rejected and empty
    requests are not known; errors and children are those of the latest requests that have such a span."""
    times: Sequence[int]
    step_s: int
    p50_ns: Sequence[int | None]
    """At the entry, within 4.5 %, as the other percentiles."""
    p95_ns: Sequence[int | None]
    p99_ns: Sequence[int | None]
    client_p95_ns: Sequence[int | None]
    """What the clients waited."""
    rates: Sequence[float]
    """Requests per second."""
    error_rates: Sequence[float]
    """Of those, with the outcome error, per second."""
    outcomes: Outcomes
    errors: Sequence[ErrorCount]
    errors_sample: Sample | None
    """Of the failed traces."""
    children: Sequence[ChildTime]
    children_sample: Sample | None
    sample: Sample | None
    """The traces that a filter was asked of, if not all: counts are of these, rates of all."""


_ENTERS = """
SELECT EXISTS (
    FROM entry_minutes
    WHERE minute_unix_s BETWEEN ? AND ? AND entry_operation = ? AND (? IS NULL OR entry_service = ?)
)"""
_CHARTS = """
SELECT side, {index} AS step, bucket, sum(n)::BIGINT, coalesce(sum(n) FILTER (outcome = 'error'), 0)::BIGINT,
       coalesce(sum(n) FILTER (outcome = 'rejected'), 0)::BIGINT,
       coalesce(sum(n) FILTER (outcome = 'cancelled'), 0)::BIGINT, coalesce(sum(n) FILTER (is_empty), 0)::BIGINT
FROM ({relation}) GROUP BY ALL"""


@dataclass
class _Counted:
    """What was counted, by step."""

    steps: Steps
    server: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    client: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    counts: dict[int, list[int]] = field(default_factory=dict)
    """Requests, errors, rejected, cancelled and empty ones."""


def summary(connection: DuckDBPyConnection, asked: Asked) -> Summary:
    """The summary of the requests that match; `operation` and `service` are those of their entry.

    If requests do not enter there, it is that of the spans of that name inside of requests.

    Args:
        connection: to the store.
        asked: the range and the filters.
    """
    found, sample, scale, is_inner = _counted(connection, asked, *asked.entries()), asked.sample, asked.scale, False
    condition, parameters = entry_condition(asked)
    if not found.counts and not _is_entry(connection, asked):
        asked = asked.by_minutes()
        found, sample = _counted_inside(connection, asked)
        scale, is_inner = sample.scale if sample else 1.0, True
        condition, parameters = traces_with_span(connection, asked)
    steps, counts = found.steps, found.counts
    total = [sum(column) for column in zip(*counts.values(), strict=True)] or [0] * 5
    of_failed = condition if is_inner else f"{NOT_BY_CALLER} AND {condition}"  # spans inside have no outcome
    failed, of_errors = errors(connection, of_failed, parameters)
    if failed:
        of_errors = asked.scaled(of_errors, of_errors.traces if of_errors else sum(one.count for one in failed))
    children, of_children = _children(connection, asked, condition, parameters)
    return Summary(
        count=total[0],
        is_inner=is_inner and total[0] > 0,
        times=steps.times,
        step_s=steps.step_s,
        p50_ns=_column(steps, found.server, 0),
        p95_ns=_column(steps, found.server, 1),
        p99_ns=_column(steps, found.server, 2),
        client_p95_ns=_column(steps, found.client, 1),
        rates=_rates(steps, counts, 0, scale),
        error_rates=_rates(steps, counts, 1, scale),
        outcomes=Outcomes(total[0] - sum(total[1:4]), *total[1:5]),
        errors=failed,
        errors_sample=of_errors,
        children=children,
        children_sample=of_children,
        sample=sample,
    )


def _is_entry(connection: DuckDBPyConnection, asked: Asked) -> bool:
    """Whether requests enter at the operation; without one all do.

    Spans inside of requests are counted by whole minutes, and begin after their request: so requests of a minute before
    say it, too, and a service that has just stopped is not taken for an operation inside of requests.
    """
    wanted = asked.wanted
    if wanted.operation is None:
        return True
    minutes = [asked.first_minute - MINUTE, wanted.until_ns // NS]
    row = connection.execute(_ENTERS, [*minutes, wanted.operation, wanted.service, wanted.service]).fetchone()
    return bool(row and row[0])


def _counted(connection: DuckDBPyConnection, asked: Asked, relation: str, values: list[Any]) -> _Counted:
    """What a relation of requests or spans has in each step."""
    found = _Counted(asked.steps(MOST_STEPS))
    buckets: defaultdict[tuple[str, int], dict[int | None, int]] = defaultdict(dict)
    sql = _CHARTS.format(relation=relation, index=found.steps.index)
    for side, step, bucket, *counts in connection.execute(sql, values).fetchall():
        buckets[side, step][bucket] = counts[0]
        if side == "server":
            total = found.counts.setdefault(step, [0] * 5)
            for place, count in enumerate(counts):
                total[place] += count
    for (side, step), of_step in buckets.items():
        if count_of(of_step):
            (found.server if side == "server" else found.client)[step] = tuple(quantiles_of(of_step))
    return found


def _counted_inside(connection: DuckDBPyConnection, asked: Asked) -> tuple[_Counted, Sample | None]:
    """The same of spans inside of requests: of processes, else of calls between them."""
    relation, values, sample = inner_spans(connection, asked, is_rpc=False)
    found = _counted(connection, asked, relation, values)
    if not found.counts:
        relation, values, sample = inner_spans(connection, asked, is_rpc=True)
        found = _counted(connection, asked, relation, values)
    return found, sample


def _column(steps: Steps, found: Mapping[int, tuple[Any, ...]], place: int) -> list[int | None]:
    return steps.place({step: row[place] for step, row in found.items()})


def _rates(steps: Steps, counts: Mapping[int, Sequence[int]], place: int, scale: float) -> list[float]:
    return [counts[step][place] / scale / steps.seconds(step) if step in counts else 0.0 for step in range(steps.count)]


def _children(
    connection: DuckDBPyConnection, asked: Asked, condition: str, values: list[Any]
) -> tuple[list[ChildTime], Sample | None]:
    """The time on the critical path by span."""
    found, sample = latest(connection, condition, values, OF_CHILDREN)
    times: Counter[tuple[str, str, bool]] = Counter()
    shapes = shapes_of_traces(connection, found)
    if len(shapes) < len(found):  # some have too many spans
        sample = Sample(len(shapes), sample.of if sample else len(found))
    for shape in shapes.values():
        for seen, stage, time_ns in zip(shape.spans, shape.stages(), critical_times(shape.tree), strict=True):
            times[seen.service, seen.name, stage == STAGE_TRANSIT] += time_ns
    total = times.total() or 1
    rows = [ChildTime(*key, time_ns, time_ns / total) for key, time_ns in times.most_common(MOST_CHILDREN) if time_ns]
    return rows, asked.scaled(sample, len(shapes))
