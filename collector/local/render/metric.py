"""Draws the latest values of one metric as a table.

Each attribute set has its value, or its count, percentiles and a small picture of its buckets. Series of several
processes with the same attributes are one row. A process that has ended is left out, except of counters and histograms.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.analysis.histogram import Histogram, from_exponential
from collector.local.render.tables import Column, cell, table
from collector.local.render.text import Glyphs, clean, glyphs_for
from collector.local.render.units import age, attribute, bytes_, count, seconds

Json = Mapping[str, Any]
_BAR = 16
_NO_RECORDED_VALUE = 1
"""OTLP's flag of a point without a value."""
_QUANTILES = (0.5, 0.95, 0.99)


def metric_title(metric: Json, console: Console) -> Text:
    """Name, type, unit and description in one line."""
    kind = metric["type"].replace("_", " ") + (f", {metric['unit']}" if metric["unit"] else "")
    parts = [clean(part, console.encoding) for part in (metric["name"], kind, metric["description"])]
    separator = f" {glyphs_for(console).separator} "
    return Text.assemble((parts[0], "bold"), (separator + separator.join(part for part in parts[1:] if part), "dim"))


def metric_table(metric: Json, console: Console, now_unix_ns: int, *, highest_first: bool = False) -> Table:
    """The latest values of one metric: for each service, a row for each attribute set, in this order or by value."""
    keys = list(dict.fromkeys(key for series in metric["series"] for key in series["attributes"]))
    between = f" {glyphs_for(console).separator} "
    found: dict[str, dict[str, list[Json]]] = defaultdict(lambda: defaultdict(list))
    for series in metric["series"]:
        values = (attribute(series["attributes"].get(key, "")) or "-" for key in keys)
        found[series["service"]][between.join(values)].append(series)
    is_histogram = metric["type"] in {"histogram", "exponential_histogram"}
    columns = [Column(clean(between.join(keys), console.encoding) or "service", least=12)]
    if is_histogram:
        columns += [Column("count", is_number=True), Column("p50", is_number=True)]
        columns += [
            Column("p95", is_number=True, rank=1),
            Column("p99", is_number=True, rank=2),
            Column("buckets", rank=3),
        ]
    else:
        columns.append(Column("value", is_number=True))
    rows: list[list[Text]] = []
    for service, of_service in found.items():
        rows.append([cell(service, console, "bold")])
        ordered = sorted(of_service.items(), key=lambda item: -_height(item[1], is_histogram=is_histogram))
        for name, of_name in ordered if highest_first else of_service.items():
            cells = (
                _histogram_cells(metric, of_name, console) if is_histogram else [_value(metric, of_name, now_unix_ns)]
            )
            rows.append([cell(f"  {name or 'all'}", console), *cells])
    return table(console, columns, rows)


def _histogram_cells(metric: Json, series: Sequence[Json], console: Console) -> list[Text]:
    glyphs = glyphs_for(console)
    points = [point for one in series for point in _points(one)]
    if not points:
        return [Text("no value", "dim"), Text(), Text(), Text(), Text()]
    total = sum(point["count"] or 0 for point in points)
    whole = _whole(points)
    if not whole.bounds and total:  # or no bound that all have: the distribution is not known
        unknown = [Text("-", "dim")] * len(_QUANTILES)
        return [Text(count(total)), *unknown, _average(metric, whole.total / total, glyphs)]
    shown = [_quantile(metric, whole, q, glyphs) for q in _QUANTILES]
    return [Text(count(total)), *shown, Text(_picture(whole, glyphs), "cyan")]


def _whole(points: Sequence[Json]) -> Histogram:
    whole = _histogram(points[0])
    for point in points[1:]:
        whole = whole.plus(_histogram(point))
    return whole


def _height(series: Sequence[Json], *, is_histogram: bool) -> float:
    """The order of rows: by the median, else by the sum of the values."""
    points = [point for one in series for point in _points(one)]
    if is_histogram:
        return (_whole(points).quantile(0.5) if points else None) or 0.0
    return sum(float(point["value"] or 0) for point in points)


def _average(metric: Json, value: float, glyphs: Glyphs) -> Text:
    return Text("none" if math.isnan(value) else f"none, avg {_with_unit(value, metric['unit'], glyphs)}", "dim")


def _quantile(metric: Json, whole: Histogram, q: float, glyphs: Glyphs) -> Text:
    """The value; `>` and the highest bound if it is above that, and the maximum is not known."""
    value = whole.quantile(q)
    if value is None:
        return Text()
    return Text((">" if whole.is_beyond(q) else "") + _with_unit(value, metric["unit"], glyphs))


def _points(series: Json) -> Iterator[Json]:
    """The points whose sum is the value: all of a delta series, else the last one of each run of a process.

    None, if the newest point has no value.
    """
    points: Sequence[Json] = series["points"]
    if series["temporality"] == "delta":
        yield from (point for point in points if not point["flags"] & _NO_RECORDED_VALUE)
    elif points and not points[-1]["flags"] & _NO_RECORDED_VALUE:
        yield from {point["start_unix_ns"]: point for point in points}.values()


def _histogram(point: Json) -> Histogram:
    total = math.nan if point["sum"] is None else float(point["sum"])
    low = -math.inf if point["min"] is None else float(point["min"])
    high = math.inf if point["max"] is None else float(point["max"])
    if point["scale"] is not None:
        positive = (point["positive_offset"], point["positive_counts"])
        negative = (point["negative_offset"], point["negative_counts"])
        found = from_exponential(
            point["scale"], point["zero_count"], positive, negative, total=total, low=low, high=high
        )
        if found.count or not point["count"]:
            return found
    bounds, counts = point["bounds"] or [], point["bucket_counts"] or []
    if len(counts) != len(bounds) + 1 or (point["count"] and not any(counts)):
        # no buckets, or of another type: one name may be sent with several types
        bounds, counts = [], [point["count"] or 0]
    return Histogram(tuple(float(bound) for bound in bounds), tuple(counts), total, low, high)


def _picture(histogram: Histogram, glyphs: Glyphs) -> str:
    """Each used bucket as a column, lowest values left; its height is relative to the fullest bucket."""
    used = [i for i, number in enumerate(histogram.counts) if number]
    if not used:
        return ""
    counts = histogram.counts[used[0] : used[-1] + 1]
    size = -(-len(counts) // _BAR)
    columns = [sum(counts[i : i + size]) for i in range(0, len(counts), size)]
    steps, most = len(glyphs.blocks) - 1, max(columns)
    return "".join(glyphs.blocks[-(-number * steps // most)] for number in columns)


def _value(metric: Json, series: Sequence[Json], now_unix_ns: int) -> Text:
    """The sum over processes; of a gauge the newest value; of a summary its quantiles.

    Only a counter's sum includes processes that have ended; other values are of processes that still send, or, if there
    are none, of those that ended last.
    """
    is_counter = metric["type"] == "sum" and all(one["monotonic"] for one in series)
    alive = [one for one in series if is_counter or not one["ended"]]
    found = (_points(one) if is_counter else _running(one) for one in alive or _last(series))
    points = [point for of_series in found for point in of_series]
    if metric["type"] != "summary":
        points = [point for point in points if point["value"] is not None]
    if not points:
        return Text("no value", "dim")
    newest = max(points, key=lambda point: point["time_unix_ns"])
    is_sum = metric["type"] == "sum"
    value = _summary(newest) if metric["type"] == "summary" else _sum(points if is_sum else [newest])
    if alive:
        return Text(value)
    return Text(f"{value} until {age(now_unix_ns - newest['time_unix_ns'])}", "dim")


def _last(series: Sequence[Json]) -> list[Json]:
    """The series of the processes that were running when the last one ended."""
    sent = [max((point["time_unix_ns"] for point in one["points"]), default=0) for one in series]
    return [one for one, last in zip(series, sent, strict=True) if max(sent) - last <= one["missed_after_ns"]]


def _running(series: Json) -> Sequence[Json]:
    """Its points of processes that were running when the last one started: they may share a resource."""
    points = list(_points(series))
    if series["temporality"] == "delta" or not points:
        return points
    last_start = max(point["start_unix_ns"] for point in points)
    return [
        point for point in points if last_start in {0, point["start_unix_ns"]} or point["time_unix_ns"] > last_start
    ]


def _sum(points: Iterable[Json]) -> str:
    value = sum(float(p["value"]) if isinstance(p["value"], str) else p["value"] for p in points)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _summary(point: Json) -> str:
    pairs = zip(point["quantiles"] or (), point["quantile_values"] or (), strict=False)
    return f"{point['count'] or 0}  " + "  ".join(f"p{float(q) * 100:g} {float(v):g}" for q, v in pairs)


def _with_unit(value: float, unit: str, glyphs: Glyphs) -> str:
    if unit == "s":
        return seconds(value, glyphs.micro)
    return bytes_(value) if unit == "By" else f"{value:.3g}"
