"""Finds what some traces share: attributes that they have more often than the other traces.

The traces that match a filter are compared with those that match it but for its status and its duration: slow ones with
fast ones, failed ones with those that succeeded. Attributes of spans and of their resources count, each once a trace.
"""

from dataclasses import replace
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.filters import TraceFilter
from collector.local.query.model import SharedRow

LEAST = 0.1
"""By so much the two shares must differ at least; and two traces must have it, if so many match."""
MOST_TRACES = 10_000
"""The latest traces that are compared."""

_IDS = f"""
    SELECT trace_id FROM traces WHERE {{condition}} ORDER BY start_unix_ns DESC LIMIT {MOST_TRACES}"""  # noqa: S608 (our expressions)
_AMONG = " AND trace_id IN (SELECT trace_id FROM every)"

_SHARED = """
WITH every AS ({every}), chosen AS ({chosen}), of_traces AS (
    SELECT DISTINCT trace_id, service, unnest(map_entries(attributes::JSON::MAP(VARCHAR, VARCHAR))) AS pair
    FROM spans WHERE trace_id IN (SELECT trace_id FROM every)
), of_resources AS (
    SELECT resource_id, unnest(map_entries(attributes::JSON::MAP(VARCHAR, VARCHAR))) AS pair FROM resources
), pairs AS (
    SELECT trace_id, service, pair FROM of_traces
    UNION SELECT trace_id, service, of_resources.pair
    FROM (SELECT DISTINCT trace_id, service, resource_id FROM spans WHERE trace_id IN (SELECT trace_id FROM every))
    JOIN of_resources USING (resource_id)
), numbers AS (
    SELECT (SELECT count(*) FROM chosen) AS matching, (SELECT count(*) FROM every) AS total
), counted AS (
    SELECT service, pair.key AS key, pair.value AS value, count_if(trace_id IN (SELECT trace_id FROM chosen)) AS a,
           count(*) - a AS b
    FROM pairs GROUP BY ALL
), merged AS (
    SELECT list_sort(list(service)) AS services, key, value, a, b FROM counted GROUP BY key, value, a, b
)
SELECT services, key, value, a, matching, b, total - matching AS others FROM merged, numbers
WHERE a >= least(matching, 2) AND a / greatest(matching, 1) - b / greatest(others, 1) >= ?
ORDER BY a / greatest(matching, 1) - b / greatest(others, 1) DESC, len(services) DESC, key, value LIMIT ?
"""


def shared(connection: DuckDBPyConnection, wanted: TraceFilter, limit: int = 10) -> list[SharedRow]:
    """The attributes whose share differs most.

    Args:
        connection: to the store.
        wanted: the filter; without a status or a duration there are no others, and all shared attributes are returned.
        limit: rows at most.
    """
    parts: dict[str, str] = {}
    parameters: list[Any] = []
    every = replace(wanted, status=None, min_duration_ns=0)
    for name, one, among in (("every", every, ""), ("chosen", wanted, _AMONG)):
        condition, values = one.condition()
        parts[name] = _IDS.format(condition=condition + among)
        parameters += values
    found = connection.execute(_SHARED.format(**parts), [*parameters, LEAST, limit]).fetchall()
    return [SharedRow(*row) for row in found]
