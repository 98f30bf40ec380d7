"""Spans inside of requests, counted as `span_minutes` counts them.

Without platform, region, operation of the request and filter this is the view itself; else it is made of the spans of
the latest traces that match, of which there may be more: a sample, and says so.
"""

from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.asked import MINUTE, NS, Asked
from collector.local.query.buckets import BUCKET
from collector.local.query.language.conditions import all_of, json_path
from collector.local.query.model import Sample
from telemetry.conventions import RPC_METHOD, RPC_SYSTEM, RPC_SYSTEM_NAME, SEARCH_OPERATION

MOST_TRACES = 2000
"""Traces whose spans are read."""

_FROM_MINUTES = """
SELECT minute_unix_s AS second, service, operation, kind, search_operation,
       CASE WHEN is_error THEN 'error' ELSE 'ok' END AS outcome, false AS is_empty, 'server' AS side, bucket, n, total_ns
FROM span_minutes WHERE is_rpc = ? AND {condition}"""
_FROM_SPANS = f"""
SELECT start_unix_ns // {NS} AS second, service, name AS operation, kind,
       json_extract_string(attributes, '{json_path(SEARCH_OPERATION.name)}') AS search_operation,
       CASE WHEN status = 'error' THEN 'error' ELSE 'ok' END AS outcome, false AS is_empty, 'server' AS side,
       {BUCKET.format(duration="end_unix_ns - start_unix_ns")} AS bucket, 1 AS n, end_unix_ns - start_unix_ns AS total_ns
FROM spans WHERE trace_id IN (SELECT unnest(?::VARCHAR[])) AND end_unix_ns >= start_unix_ns
  AND coalesce(list_has_any(json_keys(attributes), ?), false) = ? AND {{condition}}"""  # noqa: S608 (our own names)
_RPC = [RPC_SYSTEM_NAME.name, RPC_SYSTEM.name, RPC_METHOD.name]


def inner_spans(
    connection: DuckDBPyConnection, asked: Asked, *, is_rpc: bool
) -> tuple[str, list[Any], Sample | None]:
    """The relation of inner spans: SQL, its parameters, and the sample that it is made of, if any.

    Columns: second, service, operation, kind, search_operation, outcome (ok or error), is_empty, side (`server`),
    bucket, n, total_ns.
    """
    wanted = asked.wanted
    named = [("service", wanted.service), ("operation", wanted.operation)]
    if not (wanted.is_narrow or wanted.platform or wanted.region):
        named.append(("version", wanted.version and wanted.version.rpartition(" ")[2]))
        if wanted.version and " " in wanted.version:
            named.append(("service", wanted.version.rpartition(" ")[0]))
        first = wanted.since_ns // (MINUTE * NS) * MINUTE
        within = ("minute_unix_s >= ? AND minute_unix_s * 1000000000 < ?", [first, wanted.until_ns])
        condition, values = all_of([within, *((f"{key} = ?", [value]) for key, value in named if value)])
        return _FROM_MINUTES.format(condition=condition), [is_rpc, *values], None
    ids, sample = sampled(connection, asked, MOST_TRACES)
    columns = {"service": "service", "operation": "name"}
    condition, values = all_of([(f"{columns[key]} = ?", [value]) for key, value in named if value])
    return _FROM_SPANS.format(condition=condition), [ids, _RPC, is_rpc, *values], sample


def sampled(connection: DuckDBPyConnection, asked: Asked, most: int) -> tuple[list[str], Sample | None]:
    """The ids of the latest traces that match, whatever their operation; and of how many, if there are more."""
    condition, values = asked.traces_but_operation()
    return latest(connection, condition, values, most)


def latest(
    connection: DuckDBPyConnection, condition: str, values: list[Any], most: int
) -> tuple[list[str], Sample | None]:
    """The ids of the latest traces with a condition; and of how many, if there are more."""
    sql = f"SELECT trace_id FROM traces WHERE {condition} ORDER BY start_unix_ns DESC LIMIT {most}"  # noqa: S608
    ids = [row[0] for row in connection.execute(sql, values).fetchall()]
    if len(ids) < most:
        return ids, None
    counted = connection.execute(f"SELECT count(*) FROM traces WHERE {condition}", values).fetchone()  # noqa: S608
    of = int(counted[0]) if counted else len(ids)
    return ids, Sample(len(ids), of) if of > len(ids) else None
