"""Lists metrics, and reads the series of one with their exemplars."""

import json
from collections import defaultdict
from dataclasses import fields
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.cursor import decode, encode
from collector.local.query.living import living, missed_after
from collector.local.query.model import Exemplar, Metric, MetricRow, Page, Point, Series
from telemetry.errors import did_you_mean

_METRICS = """
SELECT name, arg_max(type, time_unix_ns), arg_max(unit, time_unix_ns), arg_max(description, time_unix_ns),
       list_sort(list(DISTINCT service)), count(DISTINCT (resource_id, scope_id, attributes)), count(*),
       max(time_unix_ns)
FROM metric_points WHERE ? IS NULL OR name > ? GROUP BY name ORDER BY name LIMIT ?
"""

# The newest points first, so that a page's boundary cuts off the oldest.
_POINTS = """
SELECT points.*, resources.attributes AS resource, scopes.name AS scope
FROM metric_points AS points LEFT JOIN resources USING (resource_id) LEFT JOIN scopes USING (scope_id)
WHERE points.name = ? AND time_unix_ns <= ? AND (? IS NULL OR (time_unix_ns, point_id) < (?, ?)) {which}
ORDER BY time_unix_ns DESC, point_id DESC LIMIT ?
"""
# The points of a current value: a delta is added to it, any other point replaces the previous one. A process that is
# restarted begins at zero, with a new start time.
_LATEST = """
AND (temporality = 'delta' OR point_id IN (
    SELECT arg_max(point_id, (time_unix_ns, point_id)) FROM metric_points
    WHERE name = ? AND time_unix_ns <= ? GROUP BY resource_id, scope_id, attributes, type, unit, start_unix_ns))
"""
_EXEMPLARS = """
SELECT point_id, time_unix_ns, int_value, double_value, trace_id, span_id, attributes
FROM exemplars WHERE list_contains(?::BIGINT[], point_id) ORDER BY point_id, time_unix_ns
"""
STALE_NS = 300 * 10**9
"""A series has ended if its last point is this much older than the newest of its metric, whenever it arrived."""
_POINT_FIELDS = [field.name for field in fields(Point) if field.name not in {"value", "exemplars"}]


def metrics(connection: DuckDBPyConnection, limit: int = 1000, before: str | None = None) -> Page[MetricRow]:
    """Every metric in the store, by name."""
    (last,) = decode(before, str)
    found = connection.execute(_METRICS, [last, last, limit + 1]).fetchall()
    rows = [MetricRow(*row) for row in found[:limit]]
    return Page(rows, encode(rows[-1].name) if len(found) > limit else None)


def metric(
    connection: DuckDBPyConnection,
    name: str,
    limit: int = 10_000,
    before: str | None = None,
    *,
    latest: bool = False,
    until_ns: int = 2**63 - 1,
    now_unix_ns: int | None = None,
) -> Metric:
    """The series of one metric.

    Args:
        connection: to the store.
        name: of the metric.
        latest: only the points of the current values: all points of delta series, else the last one of each run of a
            process.
        until_ns: only points until then, in Unix nanoseconds: the values that the metric had at that time.
        limit: points at most, over all series, the newest ones.
        before: the cursor of the previous page; pages go back in time.
        now_unix_ns: the time at which a process still sends or not; None: that of the last point in the store.

    Raises:
        QueryError: no metric has this name.
    """
    last = decode(before, int, int)
    sql = _POINTS.format(which=_LATEST if latest else "")
    found = _dictionaries(connection, sql, [name, until_ns, last[0], *last, *[name, until_ns] * latest, limit + 1])
    points = found[:limit]
    if not points:
        return _without_points(connection, name)
    exemplars = _exemplars(connection, [row["point_id"] for row in points])
    series: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in reversed(points):
        series[row["resource_id"], row["scope_id"], row["attributes"], row["type"], row["unit"]].append(row)
    ordered = sorted(series.values(), key=lambda rows: (rows[0]["service"], rows[0]["attributes"]))
    newest, oldest = points[0], points[-1]
    alive, stale = living(connection, now_unix_ns), newest["time_unix_ns"] - STALE_NS
    missed = missed_after(connection, name)
    return Metric(
        name,
        newest["type"],
        newest["unit"],
        newest["description"],
        [
            _series(
                rows,
                exemplars,
                ended=rows[-1]["resource_id"] not in alive or rows[-1]["time_unix_ns"] < stale,
                missed_after_ns=missed[rows[-1]["resource_id"]],
            )
            for rows in ordered
        ],
        encode(oldest["time_unix_ns"], oldest["point_id"]) if len(found) > limit else None,
    )


def _without_points(connection: DuckDBPyConnection, name: str) -> Metric:
    """A metric that had no points yet. Raises `QueryError`: no metric has this name."""
    sql = "SELECT any_value(type), any_value(unit), any_value(description) FROM metric_points WHERE name = ?"
    described = connection.execute(sql, [name]).fetchone()
    if described is None or described[0] is None:
        raise _unknown(connection, name)
    kind, unit, description = described
    return Metric(name, kind, unit, description, [], None)


def _unknown(connection: DuckDBPyConnection, name: str) -> QueryError:
    names = [row[0] for row in connection.execute("SELECT DISTINCT name FROM metric_points").fetchall()]
    hint = did_you_mean(name, names) or "List them: telemetry metrics."
    return QueryError("not_found", f"There is no metric {name!r}.", hint)


def _dictionaries(connection: DuckDBPyConnection, sql: str, parameters: list[Any]) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _exemplars(connection: DuckDBPyConnection, point_ids: list[int]) -> dict[int, list[Exemplar]]:
    found: dict[int, list[Exemplar]] = defaultdict(list)
    for point_id, time, integer, double, trace_id, span_id, attributes in connection.execute(
        _EXEMPLARS, [point_ids]
    ).fetchall():
        value = double if integer is None else integer
        found[point_id].append(Exemplar(time, value, trace_id, span_id, json.loads(attributes)))
    return found


def _series(
    rows: list[dict[str, Any]], exemplars: dict[int, list[Exemplar]], *, ended: bool, missed_after_ns: int
) -> Series:
    first = rows[0]
    return Series(
        service=first["service"],
        attributes=json.loads(first["attributes"]),
        resource=json.loads(first["resource"] or "{}"),
        scope=first["scope"] or "",
        type=first["type"],
        unit=first["unit"],
        temporality=first["temporality"],
        monotonic=first["monotonic"],
        points=[_point(row, exemplars.get(row["point_id"], [])) for row in rows],
        ended=ended,
        missed_after_ns=missed_after_ns,
    )


def _point(row: dict[str, Any], exemplars: list[Exemplar]) -> Point:
    value = row["double_value"] if row["int_value"] is None else row["int_value"]
    return Point(value=value, exemplars=exemplars, **{name: row[name] for name in _POINT_FIELDS})
