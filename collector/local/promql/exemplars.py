"""Finds the exemplars of the series that a query selects: single measurements, each with its trace.

In: a connection, a parsed query, a time. Out: the exemplars by series, few for each part of the time. State: none.
"""

import json
from typing import Any, Final

from duckdb import DuckDBPyConnection

from collector.local.promql.asking import number
from collector.local.promql.evaluating import selectors_of
from collector.local.promql.matching import Matcher
from collector.local.promql.parsing import parsed
from collector.local.promql.reading import MS, Reader
from collector.local.promql.translating import Source, series_labels
from collector.local.promql.vectors import Key, key

SLOTS: Final = 40
"""Parts of the time, of each of which the highest exemplar of a series is kept."""
MOST: Final = 400

_EXEMPLARS: Final = """
WITH points AS (
    SELECT point_id, resource_id, scope_id, attributes FROM metric_points
    WHERE name = $name AND unit = $unit AND type = $type AND time_unix_ns BETWEEN $begin AND $end
), found AS (
    SELECT points.attributes AS point, resource_id, scope_id, exemplars.trace_id, exemplars.span_id,
           exemplars.time_unix_ns, coalesce(exemplars.double_value, exemplars.int_value) AS value
    FROM exemplars JOIN points USING (point_id)
    WHERE exemplars.trace_id IS NOT NULL AND exemplars.time_unix_ns BETWEEN $begin AND $end
    QUALIFY row_number() OVER (
        PARTITION BY resource_id, scope_id, points.attributes, exemplars.time_unix_ns // $slot ORDER BY value DESC
    ) = 1
)
SELECT found.trace_id, found.span_id, found.time_unix_ns, found.value, found.point, scopes.name, scopes.version,
       scopes.schema_url, scopes.attributes, resources.attributes
FROM found LEFT JOIN resources USING (resource_id) LEFT JOIN scopes USING (scope_id)
ORDER BY found.value DESC LIMIT $most
"""


def exemplars(connection: DuckDBPyConnection, query: str, start_ms: int, end_ms: int) -> list[dict[str, Any]]:
    """Return the exemplars of the series that a query selects, as Prometheus's `query_exemplars` does.

    Raises:
        QueryError: the query is not valid.
    """
    selectors = selectors_of(parsed(query))
    reader = Reader(connection, [(start_ms, end_ms)], selectors)
    answer: dict[Key, dict[str, Any]] = {}
    seen: set[tuple[str, Source]] = set()
    for matchers in selectors:
        for name, source in reader.sources(matchers):
            if (name, source) in seen:
                continue
            seen.add((name, source))
            for row in _rows(connection, source, start_ms, end_ms):
                _add(answer, name, row, matchers, reader)
    return list(answer.values())


def _rows(connection: DuckDBPyConnection, source: Source, start_ms: int, end_ms: int) -> list[tuple[Any, ...]]:
    asked = {
        "name": source.metric, "unit": source.unit, "type": source.type, "begin": start_ms * MS, "end": end_ms * MS,
        "slot": max((end_ms - start_ms) * MS // SLOTS, 1), "most": MOST,
    }  # fmt: skip
    return connection.execute(_EXEMPLARS, asked).fetchall()


def _add(
    answer: dict[Key, dict[str, Any]], name: str, row: tuple[Any, ...], matchers: list[Matcher], reader: Reader
) -> None:
    """Add an exemplar to those of its series, if the matchers match that; buckets are one series here."""
    trace_id, span_id, time, value, point, *scope, resource = row
    labels = series_labels(name, point, [each or "" for each in scope], json.loads(resource or "{}"))
    if not reader.regexes.selected([labels], [matcher for matcher in matchers if matcher.label != "le"]):
        return
    series = answer.setdefault(key(labels), {"seriesLabels": labels, "exemplars": []})
    ids = {"trace_id": trace_id, **({"span_id": span_id} if span_id else {})}
    series["exemplars"].append({"labels": ids, "value": number(value or 0.0), "timestamp": time // MS / 1000})
