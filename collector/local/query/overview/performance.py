"""Rate, percentiles and failures of every entry point, inner stage or rpc in a range of time."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.cursor import decode, encode
from collector.local.query.model import Sample
from collector.local.query.overview.asked import Asked, Steps
from collector.local.query.overview.buckets import count_of, quantiles_of
from collector.local.query.overview.inner import inner_spans
from collector.local.query.overview.lost import lost_beginnings

SCOPES = ("entry", "inner", "rpc")
MOST_STEPS = 30


@dataclass(frozen=True)
class Percentiles:
    """Durations that so many requests did not exceed, within 4.5 %; None without requests."""

    p50_ns: int | None
    p95_ns: int | None
    p99_ns: int | None


@dataclass(frozen=True)
class PerformanceRow:
    """One entry point, inner stage or rpc."""

    service: str
    operation: str
    kind: str
    """`entry` where requests enter; else the kind of the spans."""
    search_operation: str | None
    count: int
    rate: float
    """Per second, over that part of the range in which the store had requests."""
    p50_ns: int | None
    p95_ns: int | None
    p99_ns: int | None
    client: Percentiles | None
    """What the clients waited; None for inner spans, and without the clients' spans."""
    error_ratio: float
    """0 to 1, as the other ratios."""
    rejected_ratio: float | None
    """The caller's mistakes; None for inner spans, which have no outcome."""
    empty_ratio: float | None
    """Requests without documents; None for inner spans."""
    time_share: float
    """Of the time of all rows of the answer, on all its pages."""
    sparkline: Sequence[int | None]
    """The p95 of each step."""


@dataclass(frozen=True)
class Performance:
    """All rows, those with the largest share of time first."""

    rows: Sequence[PerformanceRow]
    times: Sequence[int]
    """When the steps of the sparklines begin, in Unix seconds."""
    step_s: int
    sample: Sample | None
    """What was looked at, if it was not everything."""
    next: str | None


_KEYS = ("service", "operation", "kind", "search_operation", "side")
_QUERY = """
SELECT {keys}, CASE WHEN side = 'server' THEN {index} END AS step, bucket, sum(n)::BIGINT, sum(total_ns)::HUGEINT,
       coalesce(sum(n) FILTER (outcome = 'error'), 0)::BIGINT,
       coalesce(sum(n) FILTER (outcome = 'rejected'), 0)::BIGINT, coalesce(sum(n) FILTER (is_empty), 0)::BIGINT
FROM ({relation}) GROUP BY ALL"""
"""Percentiles are found here: SQL would need windows, whose plan alone takes milliseconds."""
_ENTRIES = """
SELECT second, entry_service AS service, entry_operation AS operation, 'entry' AS kind, search_operation, outcome,
       is_empty, side, bucket, n, total_ns FROM ({entries})"""


def performance(
    connection: DuckDBPyConnection, asked: Asked, scope: str = "entry", limit: int = 100, before: str | None = None
) -> Performance:
    """The rows of a scope, those with the largest share of time first.

    Args:
        connection: to the store.
        asked: the range and the filters.
        scope: `entry`: what clients call; `inner`: stages and other spans in processes; `rpc`: calls between them.
        limit: rows at most.
        before: the cursor of the previous page.
    """
    if scope not in SCOPES:
        raise QueryError("bad_request", f"scope must be one of {', '.join(SCOPES)}, got {scope}.", "Correct it.")
    place = decode(before, int)[0] or 0
    if place < 0:
        raise QueryError("bad_request", f"before={before!r} is not a cursor of this list.", "Use `next` of a page.")
    steps, sample = asked.steps(MOST_STEPS), asked.sample
    if scope == "entry":
        entries, values = asked.entries()
        relation = _ENTRIES.format(entries=entries)
    else:
        relation, values, sample = inner_spans(connection, asked, is_rpc=scope == "rpc")
    sql = _QUERY.format(relation=relation, index=steps.index, keys=", ".join(_KEYS))
    found = connection.execute(sql, values).fetchall()
    rows = _rows(found, steps, asked.seconds * (sample.scale if sample else 1))
    if scope == "entry":
        lost = lost_beginnings(connection, asked, (((row.service, row.operation), row.count) for row in rows))
        rows = [row for row in rows if (row.service, row.operation) not in lost]
    shown = rows[place : place + limit]
    more = encode(place + limit) if len(rows) > place + limit else None
    return Performance(shown, steps.times, steps.step_s, sample, more)


@dataclass(slots=True)
class _Counted:
    """What was counted of one row of the answer, or of the clients' side of it."""

    buckets: Counter[int | None] = field(default_factory=Counter)
    steps: dict[int | None, dict[int | None, int]] = field(default_factory=dict)
    """The same by step; those of clients, which no chart has, are not told apart."""
    total_ns: int = 0
    errors: int = 0
    rejected: int = 0
    empty: int = 0


def _rows(found: Sequence[tuple[Any, ...]], steps: Steps, seconds: float) -> list[PerformanceRow]:
    counted: defaultdict[tuple[Any, ...], _Counted] = defaultdict(_Counted)
    for service, operation, kind, search_operation, side, step, bucket, n, total_ns, *outcomes in found:
        of = counted[service, operation, kind, search_operation, side]
        of.buckets[bucket] += n
        of.steps.setdefault(step, {})[bucket] = n
        of.total_ns += total_ns
        of.errors, of.rejected, of.empty = of.errors + outcomes[0], of.rejected + outcomes[1], of.empty + outcomes[2]
    return _assemble({key: of for key, of in counted.items() if count_of(of.buckets)}, steps, seconds)


def _assemble(counted: Mapping[tuple[Any, ...], _Counted], steps: Steps, seconds: float) -> list[PerformanceRow]:
    served = {key: of for key, of in counted.items() if key[4] == "server"}
    total = sum(of.total_ns for of in served.values()) or 1
    rows = []
    for key, of in served.items():
        service, operation, kind, search_operation, _ = key
        client = counted.get((*key[:4], "client"))
        is_entry, count = kind == "entry", count_of(of.buckets)
        p50, p95, p99 = quantiles_of(of.buckets)
        chart = {step: quantiles_of(buckets)[1] for step, buckets in of.steps.items() if step is not None}
        rows.append(
            PerformanceRow(
                service=service,
                operation=operation,
                kind=kind,
                search_operation=search_operation,
                count=count,
                rate=count / seconds,
                p50_ns=p50,
                p95_ns=p95,
                p99_ns=p99,
                client=Percentiles(*quantiles_of(client.buckets)) if client else None,
                error_ratio=of.errors / count,
                rejected_ratio=of.rejected / count if is_entry else None,
                empty_ratio=of.empty / count if is_entry else None,
                time_share=of.total_ns / total,
                sparkline=steps.place(chart),
            )
        )
    return sorted(rows, key=lambda row: (-row.time_share, row.service, row.operation, row.search_operation or ""))
