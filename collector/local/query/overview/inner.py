"""Spans inside of requests, counted as `span_minutes` counts them.

Without platform, region, operation of the request and filter this is the view itself; else it is made of the spans of
the latest traces that match, of which there may be more: a sample, and says so.
"""

from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import Condition, all_of
from collector.local.query.lookup.numbers import OF_NUMBERS, latest
from collector.local.query.model import Sample
from collector.local.query.overview.asked import NS, Asked
from collector.local.store.spans.folding import bucket

MOST_TRACES = 2000
"""Traces whose spans are read."""

_FROM_MINUTES = """
SELECT minute_unix_s AS second, service, operation, kind, search_operation,
       CASE WHEN is_error THEN 'error' ELSE 'ok' END AS outcome, false AS is_empty, 'server' AS side, bucket,
       n, total_ns
FROM span_minutes WHERE is_rpc = ? AND {condition}"""
_TOOK = "CASE WHEN start_unix_ns > 0 AND end_unix_ns >= start_unix_ns THEN end_unix_ns - start_unix_ns END"
_FROM_SPANS = f"""
SELECT start_unix_ns // {NS} AS second, service, name AS operation, kind, search_operation,
       CASE WHEN status = 'error' THEN 'error' ELSE 'ok' END AS outcome, false AS is_empty, 'server' AS side,
       {bucket(_TOOK)} AS bucket, 1 AS n, coalesce({_TOOK}, 0) AS total_ns
FROM span_facts WHERE {OF_NUMBERS} AND is_rpc = ? AND {{condition}}"""  # noqa: S608 (our own names)


def inner_spans(connection: DuckDBPyConnection, asked: Asked, *, is_rpc: bool) -> tuple[str, list[Any], Sample | None]:
    """The relation of inner spans: SQL, its parameters, and the sample that it is made of, if any.

    Columns: second, service, operation, kind, search_operation, outcome (ok or error), is_empty, side (`server`),
    bucket, n, total_ns.
    """
    wanted = asked.wanted
    named = [("service", wanted.service), ("operation", wanted.operation)]
    if not (wanted.is_narrow or wanted.platform or wanted.region):
        within: list[Condition] = [("minute_unix_s BETWEEN ? AND ?", [asked.first_minute, wanted.until_ns // NS])]
        if wanted.version:
            within.append(("(version = ? OR ends_with(version, ' ' || ?))", [wanted.version] * 2))
        condition, values = all_of([*within, *((f"{key} = ?", [value]) for key, value in named if value)])
        return _FROM_MINUTES.format(condition=condition), [is_rpc, *values], None
    numbers, sample = sampled(connection, asked, MOST_TRACES)
    columns = {"service": "service", "operation": "name"}
    condition, values = all_of([(f"{columns[key]} = ?", [value]) for key, value in named if value])
    return _FROM_SPANS.format(condition=condition), [list(numbers), is_rpc, *values], sample


def sampled(connection: DuckDBPyConnection, asked: Asked, most: int) -> tuple[dict[int, int], Sample | None]:
    """The latest traces that match, whatever their operation: as `latest`."""
    found, sample = latest(connection, *asked.traces_but_operation(), most)
    return found, asked.scaled(sample, len(found))


def traces_with_span(connection: DuckDBPyConnection, asked: Asked) -> Condition:
    """The condition on `traces` that they are among the latest that match, and have a span of the operation."""
    numbers, _ = sampled(connection, asked, MOST_TRACES)
    wanted = [("service", asked.wanted.service), ("name", asked.wanted.operation)]
    named: list[Condition] = [(f"{column} = ?", [value]) for column, value in wanted if value]
    condition, values = all_of([(OF_NUMBERS, [list(numbers)]), *named])
    found = connection.execute(f"SELECT DISTINCT trace_no FROM span_facts WHERE {condition}", values).fetchall()  # noqa: S608
    return OF_NUMBERS, [[number for (number,) in found]]
