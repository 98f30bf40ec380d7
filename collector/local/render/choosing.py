"""Narrows the values of a metric: what was counted since a time, some of its series, a row for some attributes.

In: the API's answer about a metric, with `latest=true`. Out: an answer of the same form.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from collector.local.errors import CollectorError
from telemetry.errors import did_you_mean

Json = dict[str, Any]


def counted_since(now: Json, before: Json) -> Json:
    """Return what counters and histograms counted after `before`; gauges and sums that may fall stay as they are.

    Series that counted nothing are left out. The smallest and the largest value of that time are not known.

    Raises:
        CollectorError: the buckets of the histogram may have changed in that time.
    """
    if now["type"] == "exponential_histogram":
        raise CollectorError(f"The metric {now['name']} is an exponential histogram.", "Leave --since out.")
    earlier = {
        (*_identity(series), _key(series, point)): point for series in before["series"] for point in series["points"]
    }
    found: list[Json] = []
    for series in now["series"]:
        pairs = [(point, earlier.get((*_identity(series), _key(series, point)))) for point in series["points"]]
        if series["temporality"] == "delta":
            points = [point for point, old in pairs if old is None]
        elif series["monotonic"] or now["type"] == "histogram":
            points = [point if old is None else _minus(point, old) for point, old in pairs]
            points = [point for point in points if point["count"] or point["value"]]
        else:
            points = series["points"]
        if points:
            found.append({**series, "points": points})
    return {**now, "series": found}


def _key(series: Json, point: Json) -> int:
    """What a point has in common with the one that it replaces; a delta replaces none."""
    return int(point["time_unix_ns" if series["temporality"] == "delta" else "start_unix_ns"])


def _identity(series: Json) -> tuple[str, ...]:
    return (*(repr(sorted(series[name].items())) for name in ("resource", "attributes")), series["scope"])


def _minus(point: Json, old: Json) -> Json:
    """Return a cumulative point without what an earlier one of the same process has."""
    less = {name: _less(point[name], old[name]) for name in ("value", "count", "sum")}
    pairs = zip(point["bucket_counts"] or (), old["bucket_counts"] or (), strict=False)
    return {**point, **less, "bucket_counts": [a - b for a, b in pairs], "min": None, "max": None}


def _less(value: Any, old: Any) -> Any:
    """Their difference; none of what is not a number, which JSON has as text."""
    return value - old if isinstance(value, int | float) and isinstance(old, int | float) else value


def chosen(metric: Json, by: Sequence[str], attributes: Mapping[str, str]) -> Json:
    """Return the series that have these attributes, with no others than `by`: of the series, or of its resource.

    Without `by` the attributes stay.

    Raises:
        CollectorError: no series has an attribute of `by`, nor has its resource.
    """
    _check_keys(metric, by)
    found: list[Json] = []
    for series in metric["series"]:
        has = {**series["resource"], **series["attributes"]}
        if all(_text(has.get(key)) == value for key, value in attributes.items()):
            kept = {key: has[key] for key in by if key in has} if by else series["attributes"]
            found.append({**series, "attributes": kept})
    return {**metric, "series": found}


def _check_keys(metric: Json, keys: Sequence[str]) -> None:
    known = {key for series in metric["series"] for key in (*series["attributes"], *series["resource"])}
    for key in keys:
        if known and key not in known:
            own = sorted({key for series in metric["series"] for key in series["attributes"]})
            hint = did_you_mean(key, sorted(known)) or (f"It has {', '.join(own)}." if own else "")
            raise CollectorError(f"The metric {metric['name']} has no attribute {key!r}.", hint)


def _text(value: Any) -> str | None:
    return str(value).lower() if isinstance(value, bool) else None if value is None else str(value)
