"""The map of services: who calls whom, how often, how long, how often in vain.

The spans of some traces are read. These are of every kind of trace that is in the range (by where it begins, where it
enters, and the versions that it passed), and of every service: one that is seldom called is on the map, too. Figures
are estimates for all traces: what is read of a kind stands for all of the kind.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import json_path
from collector.local.query.lookup.numbers import OF_NUMBERS
from collector.local.query.model import Sample
from collector.local.query.overview.asked import NS, Asked
from collector.local.query.overview.buckets import quantiles_of
from collector.local.store.spans.folding import bucket
from telemetry.conventions import DB_SYSTEM_NAME, SCOPE

MOST_TRACES = 1000
"""Traces whose spans are read, about; of each kind at least `LEAST_OF_KIND`, if there are so many."""
LEAST_OF_KIND = 10
MOST_KINDS = 500
OF_RARE = 5
"""Traces that are read of a service which none of the others has."""
MOST_EDGES, MOST_STEPS = 300, 12


@dataclass(frozen=True)
class MapNode:
    """One service, or a database that a service calls."""

    name: str
    kind: str
    """`service`; `client`: it only calls; `database`."""
    count: int
    """Calls that it received, or for a client requests that it sent: of the sample, how many these stand for."""
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
    """Nodes and edges in the range."""

    nodes: Sequence[MapNode]
    edges: Sequence[MapEdge]
    sample: Sample | None


_DB = f"""CASE WHEN contains(attributes, '"{DB_SYSTEM_NAME.name}"')
    THEN json_extract_string(attributes, '{json_path(DB_SYSTEM_NAME.name)}') END"""
"""To look for characters is quicker than to parse."""
_FAILED = "coalesce(sum(weight) FILTER (failed), 0)"
_KINDS = f"""
SELECT count(*), max(trace_no, {MOST_TRACES}) FROM traces WHERE {{condition}}
GROUP BY root_service, root_operation, entry_service, entry_operation, versions
ORDER BY count(*) DESC LIMIT {MOST_KINDS}
"""  # noqa: S608 (our own numbers)
_SERVICES = """
SELECT DISTINCT service FROM span_minutes WHERE minute_unix_s BETWEEN ? AND ?
EXCEPT SELECT DISTINCT service FROM span_facts WHERE trace_no IN (SELECT unnest(?::BIGINT[]))
"""
_RARE = f"""
SELECT service, max(trace_no, {OF_RARE}) FROM span_facts
WHERE service IN (SELECT unnest(?::VARCHAR[])) AND start_unix_ns BETWEEN ? AND ? GROUP BY service
"""  # noqa: S608 (as above)
_CALLS = f"""
WITH chosen AS MATERIALIZED (
    SELECT trace_no, span_id, parent_span_id, kind, service, status = 'error' AS failed, {_DB} AS db,
           search_operation AS operation, weight,
           CASE WHEN start_unix_ns > 0 AND end_unix_ns >= start_unix_ns THEN end_unix_ns - start_unix_ns END AS took
    FROM span_facts JOIN (SELECT unnest(?::BIGINT[]) AS trace_no, unnest(?::DOUBLE[]) AS weight) USING (trace_no)
), calls AS (
    SELECT caller.service AS source, callee.service AS target, 'service' AS kind, caller.operation,
           caller.failed, caller.took, callee.weight
    FROM chosen AS callee JOIN chosen AS caller
        ON caller.trace_no = callee.trace_no AND caller.span_id = callee.parent_span_id
    WHERE caller.service <> callee.service
    UNION ALL
    SELECT service, db, 'database', operation, failed, took, weight FROM chosen WHERE db IS NOT NULL
), received AS (
    SELECT callee.service AS node, 'service' AS kind, callee.failed, callee.took, callee.weight
    FROM chosen AS callee LEFT JOIN chosen AS caller
        ON caller.trace_no = callee.trace_no AND caller.span_id = callee.parent_span_id
    WHERE (caller.service IS NULL AND callee.kind <> 'client') OR caller.service <> callee.service
    UNION ALL
    SELECT service, 'client', failed, took, weight FROM chosen
    WHERE kind = 'client' AND parent_span_id IS NULL
    UNION ALL
    SELECT db, 'database', failed, took, weight FROM chosen WHERE db IS NOT NULL
)
SELECT 'edge', source, target, kind, {bucket("took")} AS bucket, sum(weight), {_FAILED}, list(DISTINCT operation)
FROM calls GROUP BY ALL
UNION ALL
SELECT 'node', node, '', kind, {bucket("took")} AS bucket, sum(weight), {_FAILED}, [] FROM received GROUP BY ALL
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
    weights, sample = _chosen(connection, asked)
    numbers = list(weights)
    if not numbers:
        return ServiceMap([], [], None)
    steps: dict[str, list[str]] = {}
    for service, name in connection.execute(_STEPS, [numbers]).fetchall():
        steps.setdefault(service, []).append(name)
    nodes: dict[tuple[str, str], MapNode] = {}
    edges: list[MapEdge] = []
    for (what, source, target, kind), counted in _counted(connection, weights).items():
        n = round(sum(counted.buckets.values()))
        figures: dict[str, Any] = {
            "count": n,
            "rate": n / asked.seconds,
            "error_ratio": min(counted.failed / n, 1.0),
            "p95_ns": quantiles_of(counted.buckets)[1],
        }
        if what == "edge":
            edges.append(MapEdge(source, target, **figures, operations=sorted(counted.operations)))
        else:
            nodes[source, kind] = MapNode(source, kind, **figures, steps=steps.get(source, [])[:MOST_STEPS])
    clients = [key for key in nodes if key[1] == "client" and (key[0], "service") in nodes]
    for key in clients:  # a service that also begins requests of its own is a service
        del nodes[key]
    edges.sort(key=lambda edge: (-edge.count, edge.source, edge.target))
    return ServiceMap(sorted(nodes.values(), key=lambda node: (-node.count, node.name)), edges[:MOST_EDGES], sample)


@dataclass
class _Counted:
    """The calls of one edge, or that one node received, each with what it stands for."""

    buckets: dict[int | None, float] = field(default_factory=dict)
    failed: float = 0.0
    operations: set[str] = field(default_factory=set)


def _counted(connection: DuckDBPyConnection, weights: Mapping[int, float]) -> dict[tuple[str, ...], _Counted]:
    """By `edge` or `node`, source, target and kind."""
    found: defaultdict[tuple[str, ...], _Counted] = defaultdict(_Counted)
    rows = connection.execute(_CALLS, [list(weights), list(weights.values())]).fetchall()
    for what, source, target, kind, place, weight, failed, operations in rows:
        counted = found[what, source, target, kind]
        counted.buckets[place] = counted.buckets.get(place, 0) + weight
        counted.failed += failed
        counted.operations.update(operation for operation in operations or () if operation is not None)
    return found


def _chosen(connection: DuckDBPyConnection, asked: Asked) -> tuple[dict[int, float], Sample | None]:
    """The traces that are read, each with how many it stands for."""
    condition, values = asked.traces_but_operation()
    kinds = connection.execute(_KINDS.format(condition=condition), values).fetchall()
    of = sum(count for count, _ in kinds)
    weights: dict[int, float] = {}
    for count, latest in kinds:
        least = max(min(LEAST_OF_KIND, MOST_TRACES // len(kinds)), 1)
        read = latest if of <= MOST_TRACES else latest[: max(least, count * MOST_TRACES // of)]
        weights.update(dict.fromkeys(read, count / len(read)))
    if of > len(weights) and asked.of_everyone:
        weights |= _rare(connection, asked, weights)
    return weights, Sample(len(weights), of) if of > len(weights) else None


def _rare(connection: DuckDBPyConnection, asked: Asked, weights: Mapping[int, float]) -> dict[int, float]:
    """Some traces of each service that is in none of those chosen."""
    minutes = [asked.first_minute, asked.wanted.until_ns // NS]
    rare = [service for (service,) in connection.execute(_SERVICES, [*minutes, list(weights)]).fetchall()]
    if not rare:
        return {}
    found = connection.execute(_RARE, [rare, asked.wanted.since_ns, asked.wanted.until_ns]).fetchall()
    return {number: 1.0 for _, numbers in found for number in numbers if number not in weights}
