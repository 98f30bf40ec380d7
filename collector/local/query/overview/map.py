"""The map of services: who calls whom, how often, how long, how often in vain.

The spans of some traces are read. These are of every kind of trace that is in the range (by where it begins, where it
enters, and the versions that it passed), and of every service: one that is seldom called is on the map, too. Figures
are estimates for all traces: what is read of a kind stands for all of the kind.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import json_path
from collector.local.query.model import Sample
from collector.local.query.overview.asked import FEW, NS, Asked
from collector.local.query.overview.buckets import quantiles_of
from collector.local.store.spans.folding import bucket
from collector.local.store.spans.tables import SPAN_ROWS
from collector.local.store.views import FOLDED_TRACES
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


_KINDS = f"""
SELECT count(*), max(trace_no, {MOST_TRACES}) FROM {{traces}} WHERE {{condition}}
GROUP BY root_service, root_operation, entry_service, entry_operation, versions
ORDER BY count(*) DESC LIMIT {MOST_KINDS}
"""  # noqa: S608 (our own numbers)
_DB = f"""CASE WHEN contains(attributes, '"{DB_SYSTEM_NAME.name}"')
    THEN json_extract_string(attributes, '{json_path(DB_SYSTEM_NAME.name)}') END"""
"""To look for characters is quicker than to parse."""
_READ = f"""
SELECT trace_no, span_id, parent_span_id, operation_no, status = 2 AS failed, {_DB} AS db, scope_id, weight,
       CASE WHEN start_unix_ns > 0 AND lasted_ns >= 0 THEN lasted_ns END AS took
FROM {SPAN_ROWS.name} JOIN (SELECT unnest(?::BIGINT[]) AS trace_no, unnest(?::DOUBLE[]) AS weight) USING (trace_no)
"""  # noqa: S608 (our own names)
_CREATE, _ADD = f"CREATE OR REPLACE TEMP TABLE chosen AS {_READ}", f"INSERT INTO chosen {_READ}"
_SERVICES = """
SELECT DISTINCT service FROM span_minutes WHERE minute_unix_s BETWEEN ? AND ?
EXCEPT SELECT service FROM operations WHERE operation_no IN (SELECT operation_no FROM chosen)
"""
_RARE = f"""
SELECT service, max(trace_no, {OF_RARE}) FROM span_facts
WHERE service IN (SELECT unnest(?::VARCHAR[])) AND start_unix_ns BETWEEN ? AND ? GROUP BY service
"""  # noqa: S608 (as above)
_CALLS = f"""
SELECT above.service, above.search_operation, caller.failed, {bucket("caller.took")},
       below.service, below.kind, callee.failed, {bucket("callee.took")}, sum(callee.weight)
FROM chosen AS callee JOIN operations AS below USING (operation_no)
LEFT JOIN chosen AS caller ON caller.trace_no = callee.trace_no AND caller.span_id = callee.parent_span_id
LEFT JOIN operations AS above ON above.operation_no = caller.operation_no
WHERE above.service IS DISTINCT FROM below.service GROUP BY ALL
"""  # noqa: S608 (as above)
"""Spans and those above them, of another service or not there."""
_OUTER = f"""
SELECT service, search_operation, db, kind = 'client' AND parent_span_id = 0, failed, {bucket("took")}, sum(weight)
FROM chosen JOIN operations USING (operation_no)
WHERE db IS NOT NULL OR kind = 'client' AND parent_span_id = 0 GROUP BY ALL
"""  # noqa: S608 (as above)
"""Calls of databases, and those with which a client begins."""
_STEPS = f"""
SELECT service, name FROM chosen JOIN operations USING (operation_no)
WHERE kind = 'internal' AND NOT starts_with(name, '/')
  AND scope_id IN (SELECT scope_id FROM scopes WHERE name = '{SCOPE}')
GROUP BY service, name ORDER BY service, sum(took) DESC, name
"""  # noqa: S608 (as above)


def service_map(connection: DuckDBPyConnection, asked: Asked) -> ServiceMap:
    """The map of the traces that match.

    Args:
        connection: to the store.
        asked: the range and the filters.
    """
    sample = _choose(connection, asked)
    steps: dict[str, list[str]] = {}
    for service, name in connection.execute(_STEPS).fetchall():
        steps.setdefault(service, []).append(name)
    found_nodes, found_edges = _counted(connection)
    nodes = {
        (name, kind): MapNode(name, kind, *calls.figures(asked.seconds), steps.get(name, [])[:MOST_STEPS])
        for (name, kind), calls in found_nodes.items()
    }
    edges = [
        MapEdge(source, target, *calls.figures(asked.seconds), sorted(calls.operations))
        for (source, target, _), calls in found_edges.items()
    ]
    clients = [key for key in nodes if key[1] == "client" and (key[0], "service") in nodes]
    for key in clients:  # a service that also begins requests of its own is a service
        del nodes[key]
    edges.sort(key=lambda edge: (-edge.count, edge.source, edge.target))
    return ServiceMap(sorted(nodes.values(), key=lambda node: (-node.count, node.name)), edges[:MOST_EDGES], sample)


@dataclass
class _Calls:
    """The calls of one edge, or that one node received, each with what it stands for."""

    buckets: defaultdict[int | None, float] = field(default_factory=lambda: defaultdict(float))
    failed: float = 0.0
    operations: set[str] = field(default_factory=set)

    def add(self, place: int | None, weight: float, is_failed: bool, operation: str | None = None) -> None:
        """Calls with a duration in one bucket."""
        self.buckets[place] += weight
        self.failed += weight if is_failed else 0.0
        if operation is not None:
            self.operations.add(operation)

    def figures(self, seconds: float) -> tuple[int, float, float, int | None]:
        """Their count, rate, ratio of errors and p95."""
        n = round(sum(self.buckets.values()))
        return n, n / seconds, min(self.failed / n, 1.0), quantiles_of(self.buckets)[1]


def _counted(
    connection: DuckDBPyConnection,
) -> tuple[dict[tuple[str, str], _Calls], dict[tuple[str, str, str], _Calls]]:
    """The calls of each node, by name and kind; and of each edge, by source, target and the target's kind."""
    nodes: defaultdict[tuple[str, str], _Calls] = defaultdict(_Calls)
    edges: defaultdict[tuple[str, str, str], _Calls] = defaultdict(_Calls)
    rows = connection.execute(_CALLS).fetchall()
    for caller, operation, has_failed, place, service, kind, is_failed, own_place, weight in rows:
        if caller is not None:
            edges[caller, service, "service"].add(place, weight, has_failed, operation)
        if caller is not None or kind != "client":
            nodes[service, "service"].add(own_place, weight, is_failed)
    for service, operation, db, is_client, is_failed, place, weight in connection.execute(_OUTER).fetchall():
        if is_client:
            nodes[service, "client"].add(place, weight, is_failed)
        if db is not None:
            nodes[db, "database"].add(place, weight, is_failed)
            edges[service, db, "database"].add(place, weight, is_failed, operation)
    return nodes, edges


def _choose(connection: DuckDBPyConnection, asked: Asked) -> Sample | None:
    """Read the spans of some traces into the temporary table `chosen`, each with how many traces it stands for."""
    kinds, of = _kinds(connection, asked)
    weights: dict[int, float] = {}
    for count, latest in kinds:
        least = max(min(LEAST_OF_KIND, MOST_TRACES // len(kinds)), 1)
        read = latest if of <= MOST_TRACES else latest[: max(least, count * MOST_TRACES // of)]
        weights.update(dict.fromkeys(read, count / len(read)))
    connection.execute(_CREATE, [list(weights), list(weights.values())])
    if of > len(weights) and asked.of_everyone:
        rare = _rare(connection, asked, weights)
        if rare:
            connection.execute(_ADD, [list(rare), list(rare.values())])
        weights |= rare
    return Sample(len(weights), of) if of > len(weights) else None


def _kinds(connection: DuckDBPyConnection, asked: Asked) -> tuple[list[tuple[int, list[int]]], int]:
    """How many traces of each kind there are, with the numbers of the latest; and how many of all."""
    condition, values = asked.traces_but_operation()
    kinds: list[tuple[int, list[int]]] = []
    of = 0
    for traces in (FOLDED_TRACES, "traces"):
        kinds = connection.execute(_KINDS.format(traces=traces, condition=condition), values).fetchall()
        of = sum(count for count, _ in kinds)
        if of > FEW:  # those that are not folded would have to be summed up
            break
    return kinds, of


def _rare(connection: DuckDBPyConnection, asked: Asked, weights: Mapping[int, float]) -> dict[int, float]:
    """Some traces of each service that is in none of those chosen."""
    minutes = [asked.first_minute, asked.wanted.until_ns // NS]
    rare = [service for (service,) in connection.execute(_SERVICES, minutes).fetchall()]
    if not rare:
        return {}
    found = connection.execute(_RARE, [rare, asked.wanted.since_ns, asked.wanted.until_ns]).fetchall()
    return {number: 1.0 for _, numbers in found for number in numbers if number not in weights}
