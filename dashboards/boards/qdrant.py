"""Qdrant's own metrics, for the board `search-index`.

In: what a Qdrant server, 1.17 or newer, answers at `/metrics` with the prefix `qdrant_`. Out: rows. State: none.

The names are those of Qdrant's source, `src/common/metrics`. They have been tested with recorded series only, not with
a server, and the rows say so.
"""

from typing import Final

from dashboards import links
from dashboards.boards import shared_links, steps
from dashboards.model import Draw, Panel, Query, Row, Step, Unit
from dashboards.promql import INTERVAL
from telemetry import conventions as c

_SOURCE: Final = "qdrant"
_RECORDED: Final = " Qdrant's own metric, tested with recorded series, not yet with a server."
_BY_COLLECTION: Final = "{{id}}"
_LINKS: Final = (
    links.traces({c.DB_SYSTEM_NAME: "qdrant"}, title="Its calls in Jaeger"),
    links.logs(title="Logs of those who call it"),
    shared_links.STAGE, shared_links.OVERVIEW,
    links.sentry({c.DB_SYSTEM_NAME: "qdrant"}),
)  # fmt: skip
"""A server's series have no flow: the links are to the calls that the chosen one makes."""


def _gauge(metric: str) -> Query:
    return Query(f"sum by (id) (qdrant_{metric})", _BY_COLLECTION, source=_SOURCE)


def _panel(
    title: str, description: str, queries: tuple[Query, ...], unit: Unit, limits: tuple[Step, ...] = ()
) -> Panel:
    return Panel(
        title, description + _RECORDED, Draw.LINES, queries, unit, limits, width=8, least=0.0, links=_LINKS
    )  # fmt: skip


def points() -> Panel:
    """Return the points by collection."""
    description = "Points by collection, as the server counts them. The number is approximate while it optimizes."
    return _panel("How many points does Qdrant have?", description, (_gauge("collection_points"),), Unit.NUMBER)


def unindexed() -> Panel:
    """Return the points that are not in the HNSW graph, and those that are not yet searched."""
    description = (
        "Points that are not in the HNSW graph yet, which searches with `indexed_only` leave out, and points that are"
        " hidden until they are optimized. While there are many, results are incomplete or slow."
    )
    excluded = "sum by (id) (qdrant_collection_indexed_only_excluded_points)"
    hidden = "sum by (id) (qdrant_collection_update_queue_deferred_points)"
    queries = (
        Query(excluded, "{{id}} not in the graph", source=_SOURCE),
        Query(hidden, "{{id}} hidden", source=_SOURCE),
    )
    return _panel("How many points are not indexed?", description, queries, Unit.NUMBER)


def optimizers() -> Panel:
    """Return the running optimizations."""
    description = "Optimizations that run, by collection. They take CPU from queries; one that never ends is a fault."
    return _panel("What is optimized?", description, (_gauge("collection_running_optimizations"),), Unit.NUMBER)


def updates() -> Panel:
    """Return the updates that wait."""
    description = "Updates that wait to be applied, by collection. If they keep growing, writers are too fast for it."
    return _panel("Which updates wait?", description, (_gauge("collection_update_queue_length"),), Unit.NUMBER)


def duration() -> Panel:
    """Return the 95th percentile of the server's answers."""
    description = "95th percentile inside the server, without the network: compare it with what callers measure, above."
    queries = tuple(
        Query(
            f"(histogram_quantile(0.95, sum by (le, collection, endpoint)"
            f" (rate(qdrant_{kind}_responses_duration_seconds_bucket[{INTERVAL}]))) >= 0)",
            "{{collection}} {{endpoint}}", source=_SOURCE,
        )
        for kind in ("rest", "grpc")
    )  # fmt: skip
    return _panel("How long does Qdrant take?", description, queries, Unit.SECONDS)


def refused() -> Panel:
    """Return the share of answers that are errors."""
    description = "Share of the server's answers that are errors, by endpoint: over HTTP any status from 400 on."
    rest = (
        f'(sum by (collection, endpoint) (rate(qdrant_rest_responses_total{{status=~"[45].."}}[{INTERVAL}]))'
        f" or 0 * {_answers('rest')}) / ({_answers('rest')} > 0)"
    )
    grpc = (
        f'(sum by (collection, endpoint) (rate(qdrant_grpc_responses_total{{status!="0"}}[{INTERVAL}]))'
        f" or 0 * {_answers('grpc')}) / ({_answers('grpc')} > 0)"
    )
    queries = tuple(Query(each, "{{collection}} {{endpoint}}", source=_SOURCE) for each in (rest, grpc))
    return _panel("What share of Qdrant's answers fails?", description, queries, Unit.SHARE, steps.FAILED)


def _answers(kind: str) -> str:
    return f"sum by (collection, endpoint) (rate(qdrant_{kind}_responses_total[{INTERVAL}]))"


def memory() -> Panel:
    """Return the memory of servers."""
    description = "Resident memory by server: compare it with the container's limit. Graphs and vectors are most of it."
    query = Query("sum by (instance) (qdrant_memory_resident_bytes)", "{{instance}}", source=_SOURCE)
    return _panel("How much memory?", description, (query,), Unit.BYTES)


def work() -> Panel:
    """Return the CPU work that collections cause."""
    description = "Qdrant's measure of CPU work by collection, if `service.hardware_reporting` is on."
    query = Query(
        f"sum by (id) (rate(qdrant_collection_hardware_metric_cpu[{INTERVAL}]))", _BY_COLLECTION, source=_SOURCE
    )
    return _panel("Which collection needs most CPU?", description, (query,), Unit.NUMBER)


def replicas() -> Panel:
    """Return the replicas that are away."""
    description = "Replicas of shards that are not active, by server. Any is a fault, unless shards are being moved."
    query = Query("max by (instance) (qdrant_collection_dead_replicas)", "{{instance}}", source=_SOURCE)
    return _panel("How many replicas are not active?", description, (query,), Unit.NUMBER, steps.NONE_WANTED)


ROWS: Final = (
    Row("Qdrant: data (not yet tested with a server)", (points(), unindexed(), optimizers())),
    Row("Qdrant: service (not yet tested with a server)", (duration(), refused(), updates())),
    Row("Qdrant: resources (not yet tested with a server)", (memory(), work(), replicas())),
)
