"""Reads the samples of selectors from the store: each metric once for a request, in columns.

In: a connection, the spans of time that a query looks at. Out: `Samples`. State: what was read for this request.

A cumulative point is a sample at its own time. Delta points are added up, as the Collector's exporter does. A point
without a value is left out. Processes export every few seconds; where that makes more points than are read at once, the
last of each quarter of the query's shortest window stands for those before it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.promql.matching import Matcher, Regexes
from collector.local.promql.translating import TARGET_INFO, Source, info_labels, series_labels, series_names
from collector.local.promql.vectors import NAME, Labels, Samples, Times, key
from telemetry.prometheus.names import bound

MOST_POINTS: Final = 200_000
"""Points of one metric that are read for one query."""
PART_OF_WINDOW: Final = 4
"""The fewest samples of a window that are kept."""
MS: Final = 1_000_000
"""Nanoseconds of a millisecond."""

_NAMES: Final = "SELECT DISTINCT name, unit, type, monotonic FROM metric_points WHERE {when}"
_OF_METRIC: Final = "name = ? AND unit = ? AND type = ? AND monotonic = ? AND {when}"
_KEY: Final = "hash(resource_id, scope_id, attributes)"
"""The key of a series in a store; bounds of buckets, which also distinguish series, hardly ever change in one."""
_KEY_AND_EDGES: Final = "hash(resource_id, scope_id, attributes, {edges})"
_SERIES: Final = f"""
SELECT points.key, points.key_and_edges, points.attributes, edges, temporality, scopes.name,
       scopes.version, scopes.schema_url, scopes.attributes, resources.attributes, number
FROM (
    SELECT {_KEY} AS key, {_KEY_AND_EDGES} AS key_and_edges, resource_id, scope_id, attributes, {{edges}} AS edges,
           any_value(temporality) AS temporality, count(*) AS number
    FROM metric_points WHERE {_OF_METRIC} GROUP BY resource_id, scope_id, attributes, {{edges}}
) AS points LEFT JOIN resources USING (resource_id) LEFT JOIN scopes USING (scope_id)
"""  # noqa: S608 (our own text)
_POINTS: Final = f"""
SELECT {{key}} AS key, time_unix_ns AS time, {{value}} AS value FROM metric_points
WHERE {_OF_METRIC} AND flags & 1 = 0 AND {{which}} LIMIT {MOST_POINTS + 1}
"""  # noqa: S608 (our own text)
_FEWER_POINTS: Final = f"""
SELECT {{key}} AS key, max(time_unix_ns) AS time, arg_max({{value}}, time_unix_ns) AS value FROM metric_points
WHERE {_OF_METRIC} AND flags & 1 = 0 AND {{which}} GROUP BY {{key}}, ({{last}} - time_unix_ns) // {{every}}
LIMIT {MOST_POINTS + 1}
"""  # noqa: S608 (our own text)
_VALUES: Final = {
    "value": "coalesce(double_value, int_value::DOUBLE, 0)",
    "sum": "coalesce(sum, 0)",
    "count": "count::DOUBLE",
    "bucket": "bucket_counts::DOUBLE[]",
    "quantile": "quantile_values",
}
_EDGES: Final = {"bucket": "bounds", "quantile": "quantiles"}
"""The column that distinguishes the numbers of one point."""
_RESOURCES: Final = """
SELECT list_sort(list(time)) AS times, any_value(attributes) AS attributes FROM (
    SELECT DISTINCT resource_id, time_unix_ns // 1000000 AS time FROM metric_points WHERE {when}
) JOIN resources USING (resource_id) GROUP BY resource_id
"""

_Wanted = tuple[list[Labels], list[int], bool]
"""A stored series: the labels of its numbers, their places in a point, whether its points are to be added up."""
Span = tuple[int, int]
"""From, exclusive, until, inclusive, in milliseconds."""


class Reader:
    """Reads for one query.

    Args:
        connection: to the store, in a transaction.
        spans: what the query looks at, apart from each other.
        selectors: the conditions of each of its selectors.
        window: the shortest of its windows, in milliseconds.
    """

    def __init__(
        self,
        connection: DuckDBPyConnection,
        spans: Sequence[Span],
        selectors: Sequence[Sequence[Matcher]],
        window: int = 0,
    ) -> None:
        self.regexes = Regexes(connection)
        self._connection = connection
        self._when = _condition(spans)
        self._selectors = selectors
        self._every = window // PART_OF_WINDOW * MS
        self._last = (max(end for _, end in spans) + 1) * MS - 1 if spans else 0
        self._names: dict[str, list[Source]] | None = None
        self._read: dict[str, list[Samples]] = {}
        self._selected: dict[tuple[Matcher, ...], list[Samples]] = {}

    def select(self, matchers: Sequence[Matcher]) -> list[Samples]:
        """Return the samples of the series that matchers match.

        Raises:
            QueryError: they are too many, or a regular expression is not valid.
        """
        asked = tuple(matchers)
        if asked not in self._selected:
            self._selected[asked] = list(self._of_names(asked))
        return self._selected[asked]

    def sources(self, matchers: Sequence[Matcher]) -> Iterator[tuple[str, Source]]:
        """Yield the metrics behind the names that matchers match."""
        for name in self._names_of(matchers):
            for source in self._known().get(name, ()):
                yield name, source

    def _names_of(self, matchers: Sequence[Matcher]) -> list[str]:
        names = [{NAME: name} for name in (*self._known(), TARGET_INFO)]
        rows = self.regexes.selected(names, [matcher for matcher in matchers if matcher.label == NAME])
        return [names[row][NAME] for row in rows]

    def _of_names(self, matchers: Sequence[Matcher]) -> Iterator[Samples]:
        """Yield the samples that matchers match; what is read of a name serves all selectors of it."""
        for name in self._names_of(matchers):
            if name not in self._read:
                self._read[name] = list(self._of_name(name))
            for samples in self._read[name]:
                rows = self.regexes.selected(samples.labels, matchers)
                if len(rows) == len(samples.labels):
                    yield samples
                elif rows:
                    yield Samples([samples.labels[row] for row in rows], samples.times, samples.values[rows])

    def _of_name(self, name: str) -> Iterator[Samples]:
        """Yield the samples of a name that any selector of the query may match."""
        asking = [set(each) for each in self._selectors if name in self._names_of(each)]
        common = set[Matcher].intersection(*asking) if asking else set[Matcher]()
        matchers = [matcher for matcher in common if matcher.label != NAME]
        if name == TARGET_INFO:
            stored = list(self._infos(matchers))
        else:
            stored = [each for source in self._known()[name] for each in self._stored(name, source, matchers)]
        yield from grouped(continued(stored))

    def _known(self) -> dict[str, list[Source]]:
        if self._names is None:
            self._names = {}
            for row in self._connection.execute(_NAMES.format(when=self._when)).fetchall():
                for name, source in series_names(*row):
                    self._names.setdefault(name, []).append(source)
        return self._names

    def _stored(self, name: str, source: Source, matchers: Sequence[Matcher]) -> Iterator[Samples]:
        asked = [source.metric, source.unit, source.type, source.monotonic]
        edges = _EDGES.get(source.part, "NULL")
        found = self._connection.execute(_SERIES.format(when=self._when, edges=edges), asked).fetchall()
        changed = len({row[0] for row in found}) < len(found)
        wanted = self._wanted(name, source, found, matchers, 1 if changed else 0)
        if not wanted:
            return
        key_sql = _KEY_AND_EDGES.format(edges=edges) if changed else _KEY
        some = len(wanted) < len(found)
        which = f"list_contains(?::UBIGINT[], {key_sql})" if some else "true"
        many = sum(row[-1] for row in found if row[1 if changed else 0] in wanted) > MOST_POINTS
        fewer = many and self._every > 0 and not any(delta for _, _, delta in wanted.values())
        sql = (_FEWER_POINTS if fewer else _POINTS).format(
            when=self._when, value=_VALUES[source.part], which=which, key=key_sql, every=self._every, last=self._last
        )
        points = self._connection.execute(sql, [*asked, list(wanted)] if some else asked).fetchnumpy()
        if len(points["key"]) > MOST_POINTS:
            message = f"{name} has more than {MOST_POINTS} points in this time."
            raise QueryError("bad_request", message, "Ask for a shorter time, or select fewer series.")
        order = np.argsort(points["key"], kind="stable")
        keys = points["key"][order]
        cuts = [0, *(np.flatnonzero(keys[1:] != keys[:-1]) + 1), len(keys)]
        for begin, end in pairwise(cuts if len(keys) else ()):
            held, places, delta = wanted[int(keys[begin])]
            of_series = order[begin:end]
            values = points["value"][of_series]
            if values.dtype == object and not len(values[0]):
                continue  # a histogram without buckets, which OTLP allows
            yield _samples(held, places, points["time"][of_series], values, delta)

    def _wanted(
        self, name: str, source: Source, found: Sequence[Sequence[Any]], matchers: Sequence[Matcher], which: int
    ) -> dict[int, _Wanted]:
        """Return what is wanted of each stored series, by its key in the column `which`."""
        numbers = [(row, place, labels) for row in found for place, labels in enumerate(_labels_of(name, source, row))]
        wanted: dict[int, _Wanted] = {}
        for each in self.regexes.selected([labels for _, _, labels in numbers], matchers):
            row, place, labels = numbers[each]
            held, places, _ = wanted.setdefault(row[which], ([], [], row[4] == "delta"))
            held.append(labels)
            places.append(place)
        return wanted

    def _infos(self, matchers: Sequence[Matcher]) -> Iterator[Samples]:
        found = self._connection.execute(_RESOURCES.format(when=self._when)).fetchnumpy()
        named = [info_labels(json.loads(each)) for each in found["attributes"]]
        rows = [row for row, labels in enumerate(named) if labels is not None]
        all_labels = [labels for labels in named if labels is not None]
        for each in self.regexes.selected(all_labels, matchers):
            times = np.asarray(found["times"][rows[each]], dtype=np.int64)
            yield Samples([all_labels[each]], times, np.ones((1, len(times))))


def _condition(spans: Sequence[Span]) -> str:
    """Return the condition on times: whole numbers, from the query's steps."""
    each = (f"(time_unix_ns >= {(begin + 1) * MS} AND time_unix_ns < {(end + 1) * MS})" for begin, end in spans)
    return f"({' OR '.join(each)})" if spans else "false"


def _labels_of(name: str, source: Source, row: Sequence[Any]) -> list[Labels]:
    """Return the labels of each number of a stored point."""
    _, _, attributes, edges, _, *scope, resource, _ = row
    labels = series_labels(name, attributes, [each or "" for each in scope], json.loads(resource or "{}"))
    if source.part == "bucket":
        return [{**labels, "le": bound(each)} for each in (*(edges or ()), float("inf"))]
    if source.part == "quantile":
        return [{**labels, "quantile": bound(each).removesuffix(".0")} for each in edges or ()]
    return [labels]


def _samples(labels: list[Labels], rows: list[int], times: Times, values: Any, delta: bool) -> Samples:
    """Return the points of one stored series, in the order of their times, a row for each of `labels`."""
    order = np.argsort(times, kind="stable")
    numbers = (
        np.concatenate(values[order]).reshape(len(order), -1)
        if values.dtype == object
        else values[order][:, np.newaxis].astype(np.float64)
    )
    if labels and "le" in labels[0] and values.dtype == object:
        numbers = np.cumsum(numbers, axis=1)
    numbers = numbers[:, rows].T
    return Samples(labels, times[order] // MS, np.cumsum(numbers, axis=1) if delta else numbers)


def continued(stored: Iterable[Samples]) -> list[Samples]:
    """Return samples in which each set of labels stands once: a series may be stored in several pieces."""
    found: dict[Any, Samples] = {}
    for each in stored:
        # The rows of two pieces differ together or not at all: they are the buckets of one point.
        name = tuple(map(key, each.labels))
        if (before := found.get(name)) is not None:
            times = np.concatenate([before.times, each.times])
            order = np.argsort(times, kind="stable")
            values = np.concatenate([before.values, each.values], axis=1)[:, order]
            each = Samples(each.labels, times[order], values)  # noqa: PLW2901
        found[name] = each
    return [_last_of_moment(each) for each in found.values()]


def _last_of_moment(samples: Samples) -> Samples:
    """Return samples without those that another one at the same millisecond follows."""
    kept = np.append(samples.times[1:] != samples.times[:-1], True)
    return samples if kept.all() else Samples(samples.labels, samples.times[kept], samples.values[:, kept])


def grouped(samples: Iterable[Samples]) -> Iterator[Samples]:
    """Yield the same samples, those with the same times together: they are evaluated at once."""
    groups: dict[bytes, list[Samples]] = {}
    for each in samples:
        groups.setdefault(each.times.tobytes(), []).append(each)
    for group in groups.values():
        labels = [each for one in group for each in one.labels]
        yield Samples(labels, group[0].times, np.concatenate([one.values for one in group]))
