"""The map of services: who calls whom, how often, how long, how often in vain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import json_path
from collector.local.query.lookup.numbers import OF_NUMBERS
from collector.local.query.model import Sample
from collector.local.query.overview.asked import Asked
from collector.local.query.overview.buckets import durations, percentiles
from collector.local.query.overview.inner import sampled
from collector.local.store.folding import bucket
from telemetry.conventions import DB_SYSTEM_NAME, SCOPE

MOST_TRACES = 1000
MOST_EDGES, MOST_STEPS = 300, 12


@dataclass(frozen=True)
class MapNode:
    """One service, or a database that a service calls."""

    name: str
    kind: str
    """`service`; `client`: it only calls; `database`."""
    count: int
    """Calls that it received, or for a client requests that it sent, in the traces looked at."""
    rate: float
    """Of these per second, over the range."""
    error_ratio: float
    p95_ns: int | None
    steps: Sequence[str]
    """What it does for requests: the names of its stages, the longest in sum first."""


@dataclass(frozen=True)
class MapEdge:
    """Calls from one node to another, as the caller saw them."""

    source: str
    target: str
    count: int
    rate: float
    error_ratio: float
    p95_ns: int | None
    operations: Sequence[str]
    """The requests' operations, `search.operation`, for which it was called."""


@dataclass(frozen=True)
class ServiceMap:
    """Nodes and edges of the latest traces in the range."""

    nodes: Sequence[MapNode]
    edges: Sequence[MapEdge]
    sample: Sample | None


_DB = f"json_extract_string(attributes, '{json_path(DB_SYSTEM_NAME.name)}')"
_CALLS = f"""
WITH chosen AS MATERIALIZED (
    SELECT trace_no, span_id, parent_span_id, kind, service, status = 'error' AS failed, {_DB} AS db,
           search_operation AS operation,
           CASE WHEN start_unix_ns > 0 AND end_unix_ns >= start_unix_ns THEN end_unix_ns - start_unix_ns END AS took
    FROM span_facts WHERE {OF_NUMBERS}
), calls AS (
    SELECT caller.service AS source, callee.service AS target, 'service' AS kind, caller.operation,
           caller.failed, caller.took
    FROM chosen AS callee JOIN chosen AS caller
        ON caller.trace_no = callee.trace_no AND caller.span_id = callee.parent_span_id
    WHERE caller.service <> callee.service
    UNION ALL
    SELECT service, db, 'database', operation, failed, took FROM chosen WHERE db IS NOT NULL
), received AS (
    SELECT callee.service AS node, 'service' AS kind, callee.failed, callee.took
    FROM chosen AS callee LEFT JOIN chosen AS caller
        ON caller.trace_no = callee.trace_no AND caller.span_id = callee.parent_span_id
    WHERE (caller.service IS NULL AND callee.kind <> 'client') OR caller.service <> callee.service
    UNION ALL
    SELECT service, 'client', failed, took FROM chosen
    WHERE kind = 'client' AND parent_span_id IS NULL
    UNION ALL
    SELECT db, 'database', failed, took FROM chosen WHERE db IS NOT NULL
), called AS (
    SELECT source, target, kind, {bucket("took")} AS bucket, 1 AS n, took AS total_ns FROM calls
), nodes AS (
    SELECT node AS source, '' AS target, kind, {bucket("took")} AS bucket, 1 AS n, took AS total_ns FROM received
)
SELECT 'edge', figures.*, failed, operations FROM ({percentiles("called", ("source", "target", "kind"))}) AS figures
JOIN (SELECT source, target, kind, count_if(failed) AS failed, list_sort(list(DISTINCT operation)) AS operations
      FROM calls GROUP BY ALL) USING (source, target, kind)
UNION ALL
SELECT 'node', figures.*, failed, [] FROM ({percentiles("nodes", ("source", "target", "kind"))}) AS figures
JOIN (SELECT node AS source, kind, count_if(failed) AS failed FROM received GROUP BY ALL) USING (source, kind)
"""  # noqa: S608 (our own names)
_STEPS = f"""
SELECT service, name FROM span_facts
WHERE {OF_NUMBERS} AND kind = 'internal' AND NOT starts_with(name, '/')
  AND scope_id IN (SELECT scope_id FROM scopes WHERE name = '{SCOPE}')
GROUP BY service, name ORDER BY service, sum(end_unix_ns - start_unix_ns) DESC, name
"""  # noqa: S608 (as above)


def service_map(connection: DuckDBPyConnection, asked: Asked) -> ServiceMap:
    """The map of the traces that match.

    Args:
        connection: to the store.
        asked: the range and the filters.
    """
    found, sample = sampled(connection, asked, MOST_TRACES)
    numbers = list(found)
    if not numbers:
        return ServiceMap([], [], None)
    seconds = asked.seconds * (sample.scale if sample else 1)
    steps: dict[str, list[str]] = {}
    for service, name in connection.execute(_STEPS, [numbers]).fetchall():
        steps.setdefault(service, []).append(name)
    nodes: dict[tuple[str, str], MapNode] = {}
    edges: list[MapEdge] = []
    for what, *row in connection.execute(_CALLS, [numbers]).fetchall():
        source, target, kind, n, _, _, b1, _, failed, operations = row
        figures: dict[str, Any] = {
            "count": int(n),
            "rate": int(n) / seconds,
            "error_ratio": int(failed) / int(n),
            "p95_ns": durations([b1])[0],
        }
        if what == "edge":
            edges.append(MapEdge(source, target, **figures, operations=operations))
        else:
            nodes[source, kind] = MapNode(source, kind, **figures, steps=steps.get(source, [])[:MOST_STEPS])
    clients = [key for key in nodes if key[1] == "client" and (key[0], "service") in nodes]
    for key in clients:  # a service that also begins requests of its own is a service
        del nodes[key]
    edges.sort(key=lambda edge: (-edge.count, edge.source, edge.target))
    return ServiceMap(sorted(nodes.values(), key=lambda node: (-node.count, node.name)), edges[:MOST_EDGES], sample)
