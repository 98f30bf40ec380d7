"""The latest values of one metric.

In: the JSON of a metric. Out: a table: for each attribute set its value, or its count, percentiles and a small picture
of its buckets. Series of several processes with the same attributes are one row. State: none.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.analysis.histogram import Histogram, from_exponential
from collector.local.render_tables import cell, table
from collector.local.render_text import Glyphs, clean, glyphs_for
from collector.local.render_units import attribute, bytes_, count, seconds

Json = Mapping[str, Any]
_BAR = 16


def metric_title(metric: Json, console: Console) -> Text:
    """What the metric is, in one line."""
    kind = metric["type"].replace("_", " ") + (f", {metric['unit']}" if metric["unit"] else "")
    told = [clean(part, console.encoding) for part in (metric["name"], kind, metric["description"])]
    separator = f" {glyphs_for(console).separator} "
    return Text.assemble((told[0], "bold"), (separator + separator.join(part for part in told[1:] if part), "dim"))


def metric_table(metric: Json, console: Console) -> Table:
    """The latest values of one metric: under each service a row for each of its attribute sets."""
    keys = list(dict.fromkeys(key for series in metric["series"] for key in series["attributes"]))
    between = f" {glyphs_for(console).separator} "
    found: dict[str, dict[str, list[Json]]] = defaultdict(lambda: defaultdict(list))
    for series in metric["series"]:
        values = (attribute(series["attributes"].get(key, "")) or "-" for key in keys)
        found[series["service"]][between.join(values)].append(series)
    is_histogram = metric["type"] in {"histogram", "exponential_histogram"}
    titles = (">count", ">p50", ">p95", ">p99", "<buckets") if is_histogram else (">value",)
    result = table(console, clean(between.join(keys), console.encoding) or "service", *titles)
    for service, rows in found.items():
        result.add_row(cell(service, console, "bold"))
        for name, of_name in rows.items():
            told = _histogram_cells(metric, of_name, console) if is_histogram else [_value(metric, of_name)]
            result.add_row(cell(f"  {name or 'all'}", console), *told)
    return result


def _histogram_cells(metric: Json, series: Sequence[Json], console: Console) -> list[Text]:
    glyphs = glyphs_for(console)
    found = [_histogram(point) for point in _points(series)]
    if not found:
        return [Text("0")]
    whole = found[0]
    for part in found[1:]:
        whole = whole.plus(part)
    quantiles = [whole.quantile(q) for q in (0.5, 0.95, 0.99)]
    shown = [Text("" if value is None else _with_unit(value, metric["unit"], glyphs)) for value in quantiles]
    return [Text(count(whole.count)), *shown, Text(_picture(whole, glyphs), "cyan")]


def _points(series: Sequence[Json]) -> Iterable[Json]:
    """The points that add up to the value: of delta series all, of others the last one of each run of a process."""
    for one in series:
        if one["temporality"] == "delta":
            yield from one["points"]
        else:
            yield from {point["start_unix_ns"]: point for point in one["points"]}.values()


def _histogram(point: Json) -> Histogram:
    total = math.nan if point["sum"] is None else float(point["sum"])
    low = -math.inf if point["min"] is None else float(point["min"])
    high = math.inf if point["max"] is None else float(point["max"])
    if point["scale"] is not None:
        positive = (point["positive_offset"], point["positive_counts"])
        negative = (point["negative_offset"], point["negative_counts"])
        return from_exponential(
            point["scale"], point["zero_count"], positive, negative, total=total, low=low, high=high
        )
    bounds, counts = point["bounds"] or [], point["bucket_counts"] or []
    if len(counts) != len(bounds) + 1:  # no buckets, or of another kind: one name may be sent as several kinds
        bounds, counts = [], [point["count"] or 0]
    return Histogram(tuple(float(bound) for bound in bounds), tuple(counts), total, low, high)


def _picture(histogram: Histogram, glyphs: Glyphs) -> str:
    """Each used bucket as a column, lowest values left; the highest column is the fullest bucket."""
    used = [i for i, number in enumerate(histogram.counts) if number]
    if not used:
        return ""
    counts = histogram.counts[used[0] : used[-1] + 1]
    size = -(-len(counts) // _BAR)
    columns = [sum(counts[i : i + size]) for i in range(0, len(counts), size)]
    steps, most = len(glyphs.blocks) - 1, max(columns)
    return "".join(glyphs.blocks[-(-number * steps // most)] for number in columns)


def _value(metric: Json, series: Sequence[Json]) -> Text:
    """The sum over processes; of a gauge, which does not add up, the newest value; of a summary its quantiles."""
    points = list(_points(series))
    if metric["type"] == "summary":
        newest = max(points, key=lambda point: point["time_unix_ns"])
        pairs = zip(newest["quantiles"] or (), newest["quantile_values"] or (), strict=False)
        return Text(f"{newest['count'] or 0}  " + "  ".join(f"p{float(q) * 100:g} {float(v):g}" for q, v in pairs))
    known = [point for point in points if point["value"] is not None]
    if not known:
        return Text("no value", "dim")
    if metric["type"] == "gauge":
        known = [max(known, key=lambda point: point["time_unix_ns"])]
    value = sum(float(p["value"]) if isinstance(p["value"], str) else p["value"] for p in known)
    return Text(f"{value:,}" if isinstance(value, int) else f"{value:,.6g}")


def _with_unit(value: float, unit: str, glyphs: Glyphs) -> str:
    if unit == "s":
        return seconds(value, glyphs.micro)
    return bytes_(value) if unit == "By" else f"{value:.3g}"
