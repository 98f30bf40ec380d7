"""Answers Sentry's two questions about data, `/events/` and `/events-timeseries/`, from rows.

In: the parameters of a request. Out: the JSON, in the shapes that `@sentry/api` 0.1.0 declares.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from tests.sentry_cli.search import Refused, matcher

Row = dict[str, Any]
Query = dict[str, list[str]]
VALUE = re.compile(r"(?P<function>\w+)\((?P<field>[^()]*)\)")


def _percentile(share: int, values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(len(values) * share / 100) - 1]


FUNCTIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "count": len,
    "sum": sum,
    "max": max,
    **{f"p{share}": partial(_percentile, share) for share in (50, 75, 90, 95, 99)},
}
"""Those of Sentry's aggregates of spans that our boards use; Sentry has no failure_rate and no count_if of spans."""
NUMBERS = {"span.duration", "span.self_time", "severity_number"}
DURATIONS = {"span.duration", "span.self_time"}


def table(rows: list[Row], query: Query) -> Any:
    """Answer `/events/`: a row for each group, or for each item where nothing is aggregated."""
    fields = query["field"]
    if len(fields) > 20:
        raise Refused("at most 20 fields")
    values = [field for field in fields if VALUE.fullmatch(field)]
    columns = [field for field in fields if field not in values]
    found = _matching(rows, query)
    if values:
        groups = _groups(found, columns)
        data = [{**dict(zip(columns, key, strict=True)), **_values(group, values)} for key, group in groups.items()]
    else:
        data = [{column: row.get(column) for column in columns} for row in found]
    data = _sorted(data, query.get("sort", [""])[0], fields)[: int(query.get("per_page", ["50"])[0])]
    return {
        "data": data,
        "meta": {
            "fields": {field: _type(field) for field in fields},
            "units": {field: "millisecond" if _type(field) == "duration" else None for field in fields},
        },
    }


def timeseries(rows: list[Row], query: Query) -> Any:
    """Answer `/events-timeseries/`: a series for each value and group, over the time of the rows."""
    if "topEvents" in query and not (query.get("groupBy") and query.get("sort")):
        raise Refused("topEvents requires groupBy and sort")
    by = [name for name in query.get("groupBy", []) if not VALUE.fullmatch(name)]
    groups = _groups(_matching(rows, query), by)
    wanted = query.get("yAxis", ["count()"])
    if by:
        sort = query["sort"][0]
        ranked = sorted(groups, key=lambda key: _values(groups[key], [sort.lstrip("-")])[sort.lstrip("-")])
        groups = {key: groups[key] for key in (ranked[::-1] if sort[0] == "-" else ranked)}
        groups = dict(list(groups.items())[: int(query.get("topEvents", ["5"])[0])])
    series = [
        _series(group, value, list(zip(by, key, strict=True)), order)
        for order, (key, group) in enumerate(groups.items())
        for value in wanted
    ]
    return {"timeSeries": series}


def _series(rows: list[Row], value: str, group: list[tuple[str, Any]], order: int) -> Any:
    buckets: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        second = int(datetime.fromisoformat(row["timestamp"]).timestamp())
        buckets[second - second % 5].append(row)
    span = range(min(buckets), max(buckets) + 1, 5) if buckets else range(0)
    made: dict[str, Any] = {
        "yAxis": value,
        "values": [
            {
                "timestamp": second * 1000,
                "value": _values(buckets[second], [value])[value] if second in buckets else 0,
                "incomplete": False,
            }
            for second in span
        ],
        "meta": {
            "order": order,
            "isOther": False,
            "interval": 5000,
            "valueType": _type(value),
            "valueUnit": "millisecond" if _type(value) == "duration" else None,
        },
    }
    if group:
        made["groupBy"] = [{"key": key, "value": item if item is None else str(item)} for key, item in group]
    return made


def _matching(rows: list[Row], query: Query) -> list[Row]:
    matches = matcher(query.get("query", [""])[0])
    return [row for row in rows if matches(row)]


def _groups(rows: list[Row], columns: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row.get(column) for column in columns)].append(row)
    return groups


def _values(rows: list[Row], wanted: Sequence[str]) -> Row:
    return {value: _value(rows, value) for value in wanted}


def _value(rows: list[Row], value: str) -> float | None:
    found = VALUE.fullmatch(value)
    if not found or found["function"] not in FUNCTIONS:
        raise Refused(f"not an aggregate: {value}")
    function, field = found["function"], found["field"]
    if function != "count" and not (field in NUMBERS or field.endswith(",number]")):
        raise Refused(f"not a number: {field}")
    numbers: list[Any] = [row[field] for row in rows if row.get(field) is not None] if field else rows
    return FUNCTIONS[function](numbers) if numbers or function == "count" else None


def _sorted(data: list[Row], sort: str, fields: Sequence[str]) -> list[Row]:
    key = sort.lstrip("-")
    if not key:
        return data
    if key not in fields:
        raise Refused(f"sort is not one of the fields: {key}")
    known = [row for row in data if row[key] is not None]
    rest = [row for row in data if row[key] is None]
    return sorted(known, key=lambda row: row[key], reverse=sort[0] == "-") + rest


def _type(field: str) -> str:
    found = VALUE.fullmatch(field)
    inner = found["field"] if found else field
    if found and found["function"] == "count":
        return "integer"
    if inner in DURATIONS:
        return "duration"
    return "number" if inner in NUMBERS or inner.endswith(",number]") else "string"
