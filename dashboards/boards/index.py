"""Index: is it searched well, by whom, and is it healthy itself?

In: the calls that a flow makes to its database, and Qdrant's own metrics. Out: the board `search-index`. State: none.
"""

from typing import Final

from dashboards import links, variables
from dashboards.boards import qdrant, shared_links, steps
from dashboards.boards.stat import stat
from dashboards.model import Board, Draw, Panel, Query, Row, Unit
from dashboards.promql import INTERVAL, NOW, By, Where, now, quantile, rate, ratio
from telemetry import conventions as c

_CALLS: Final = {c.DB_COLLECTION_NAME: '=~"$collection"'}
_QUERIES: Final = {**_CALLS, c.DB_OPERATION_NAME: '="query"'}
_WRITES: Final = {**_CALLS, c.DB_OPERATION_NAME: '!="query"'}
_FAILED: Final = {**_CALLS, c.ERROR_TYPE: '!=""'}
_BY: Final[By] = (c.DB_COLLECTION_NAME, c.DB_OPERATION_NAME, c.SERVICE_NAME)
_NAMED: Final = "{{db_collection_name}} {{db_operation_name}}"
_WHO: Final[By] = (c.SERVICE_NAMESPACE, *_BY)
_SERVICE: Final = links.of(c.SERVICE_NAME)
_TAGS: Final[links.Tags] = {each: links.of(each) for each in (c.DB_COLLECTION_NAME, c.DB_OPERATION_NAME)}
_PROCESS: Final[links.Tags] = {c.SERVICE_INSTANCE_ID: links.of("instance")}
_ERRORS: Final[links.Tags] = {**_TAGS, c.ERROR_TYPE: links.of(c.ERROR_TYPE)}
_LOGS: Final = links.logs(service=_SERVICE)
_LINKS: Final = (links.traces(_TAGS, service=_SERVICE), _LOGS, shared_links.STAGE, links.sentry(_TAGS))
_WHERE: Final[By] = (c.SERVICE_NAME, "instance", c.K8S_NAMESPACE_NAME, c.K8S_POD_NAME, c.K8S_NODE_NAME)


def _calls(by: By = (), window: str = INTERVAL, where: Where = _CALLS) -> str:
    return rate(c.DB_CLIENT_OPERATION_DURATION, by, where, part="count", window=window)


def _failing(by: By = ()) -> str:
    return ratio(_calls(by, NOW, _FAILED), _calls(by, NOW), by)


def _duration(share: float, by: By, where: Where, window: str = NOW) -> str:
    return quantile(share, c.DB_CLIENT_OPERATION_DURATION, by, where, window=window)


def queries() -> Panel:
    """Return the queries per second."""
    description = "Queries that the chosen services send to the index, per second."
    return stat("Queries", description, _calls((), NOW, _QUERIES), Unit.PER_SECOND)


def duration_now() -> Panel:
    """Return the 95th percentile of queries."""
    description = "95 % of the queries are answered within this time, as their caller measures it."
    return stat("Query, p95", description, _duration(0.95, (), _QUERIES), Unit.SECONDS)


def failed_now() -> Panel:
    """Return the share of calls that fail."""
    description = "Share of the calls to the index that fail, with an error of the index or of the network."
    return stat("Failed", description, _failing(), Unit.SHARE, steps.FAILED)


def writes() -> Panel:
    """Return the writes per second."""
    description = "Calls that upsert or delete, per second. Each call of an index job writes many points."
    return stat("Writes", description, _calls((), NOW, _WRITES), Unit.PER_SECOND)


def points_now() -> Panel:
    """Return the points of the largest replica."""
    description = "Points in the chosen collections. Each counts once, with the points of its largest replica."
    most = f"max by (db_collection_name) ({now(c.INDEX_POINTS, ('job', 'instance', c.DB_COLLECTION_NAME), _CALLS)})"
    return stat("Points", description, f"sum({most})", Unit.NUMBER)


def empty_now() -> Panel:
    """Return the share of searches without results."""
    description = (
        "Share of the searches that return nothing. Causes are an empty collection, a filter, or a strict threshold."
    )
    share = ratio(rate(c.RESULTS_EMPTY, window=NOW), rate(c.RESULTS, part="count", window=NOW))
    return stat("Without results", description, share, Unit.SHARE)


def duration() -> Panel:
    """Return the 95th percentile by collection and operation."""
    description = "95th percentile of calls, as the caller measures them: with the network."
    query = Query(_duration(0.95, _BY, _CALLS, INTERVAL), _NAMED, exemplars=True)
    return Panel(
        "How long do calls take?", description, Draw.LINES, (query,), Unit.SECONDS, width=12, least=0.0, links=_LINKS
    )


def distribution() -> Panel:
    """Return the durations of queries as a heat map."""
    description = "Queries by duration. Two bands mean that replicas, collections or kinds of queries differ."
    query = Query(rate(c.DB_CLIENT_OPERATION_DURATION, ("le",), _QUERIES, part="bucket"), "{{le}}", exemplars=True)
    return Panel(
        "How are queries distributed?",
        description,
        Draw.HEAT,
        (query,),
        Unit.SECONDS,
        width=12,
        links=shared_links.OF_FLOW_BY_STAGE,
    )


def rates() -> Panel:
    """Return the calls by collection and operation."""
    description = "Calls per second, by collection and operation. Heavy writing makes queries slower."
    query = Query(_calls(_BY), _NAMED)
    return Panel(
        "How many calls?", description, Draw.LINES, (query,), Unit.PER_SECOND, width=8, least=0.0, links=_LINKS
    )


def errors() -> Panel:
    """Return the errors by type."""
    description = "Failed calls by collection, operation and class of the exception. Empty: none failed."
    query = Query(
        _calls((*_BY, c.ERROR_TYPE), INTERVAL, _FAILED),
        f"{_NAMED} {{{{error_type}}}}", trouble="platform-fails",
    )  # fmt: skip
    return Panel(
        "Which errors?",
        description,
        Draw.AREAS,
        (query,),
        Unit.PER_SECOND,
        width=8,
        nothing="no errors",
        links=(links.traces(_ERRORS, service=_SERVICE), _LOGS, links.sentry(_ERRORS)),
    )


def points() -> Panel:
    """Return the points of each process."""
    description = "Points in each collection, by process. Replicas that drift apart answer the same query differently."
    query = Query(
        now(c.INDEX_POINTS, (c.DB_COLLECTION_NAME, "instance"), _CALLS), "{{db_collection_name}} {{instance}}"
    )
    return Panel(
        "How many points?", description, Draw.LINES, (query,), Unit.NUMBER, width=8, links=(shared_links.STAGE,)
    )


def who() -> Panel:
    """Return which flow and service reads and writes which collection."""
    description = "Every flow and service that calls a collection, the busiest first."
    return Panel(
        "Who reads and writes what?", description, Draw.TABLE,
        (
            Query(_calls(_WHO, NOW), title="Calls", unit=Unit.PER_SECOND),
            Query(_duration(0.5, _WHO, _CALLS), title="p50"),
            Query(_duration(0.95, _WHO, _CALLS), title="p95"),
            Query(_failing(_WHO), title="Failed", unit=Unit.SHARE, steps=steps.FAILED),
        ),
        Unit.SECONDS, width=24, height=7,
        labels=(
            ("service_namespace", "Flow"), ("service_name", "Service"),
            ("db_collection_name", "Collection"), ("db_operation_name", "Operation"),
        ),
        sort="Calls", links=_LINKS,
    )  # fmt: skip


def replicas() -> Panel:
    """Return a table with a row for each process that queries the index."""
    description = (
        "Queries by the process that sends them, with its pod and node in Kubernetes. The slowest process is at the"
        " top. If it alone is slow, look at its disk, its node and its collection."
    )
    p50 = _duration(0.5, _WHERE, _QUERIES)
    return Panel(
        "Which replica is slower than the others?", description, Draw.TABLE,
        (
            Query(
                f"{p50} / scalar(min({p50}))", title="Times the fastest", unit=Unit.NUMBER,
                steps=steps.TIMES_THE_FASTEST,
            ),
            Query(p50, title="p50"),
            Query(_duration(0.95, _WHERE, _QUERIES), title="p95"),
            Query(_calls(_WHERE, NOW, _QUERIES), title="Queries", unit=Unit.PER_SECOND),
        ),
        Unit.SECONDS, width=24, height=7,
        labels=(
            ("service_name", "Service"), ("instance", "Process"), ("k8s_namespace_name", "Namespace"),
            ("k8s_pod_name", "Pod"), ("k8s_node_name", "Node"),
        ),
        sort="Times the fastest",
        links=(
            links.traces(_PROCESS, service=_SERVICE, operation=c.QDRANT_SEARCH.name),
            _LOGS, shared_links.STAGE, links.sentry(_PROCESS),
        ),
    )  # fmt: skip


INDEX: Final = Board(
    "search-index",
    "Index",
    "Is the index searched well, by whom, and is it healthy itself?",
    (*variables.FLOW, variables.COLLECTION),
    (
        Row("Now", (queries(), duration_now(), failed_now(), writes(), points_now(), empty_now())),
        Row("As callers see it", (duration(), distribution(), rates(), errors(), points())),
        Row("Callers and replicas", (who(), replicas())),
        *qdrant.ROWS,
    ),
    variables.MARKS,
    variables.ADDRESSES,
)
