"""The paths that answer PromQL, with the parameters of Prometheus's HTTP API.

In: the query string of a request. Out: `{"status": "success", "data": …}`, as Prometheus answers. State: none. Errors
have the shape of all errors here.
"""

import math
import re
import time
from datetime import UTC, datetime
from typing import Final

from duckdb import DuckDBPyConnection

from collector.local import promql
from collector.local.api.documented import PROMETHEUS
from collector.local.api.parameters import Parameters
from collector.local.api.question import Answer, Question
from collector.local.errors import QueryError

_LATEST_S: Final = 253_402_300_799.0
"""The end of the year 9999, in Unix seconds."""
_PARTS: Final = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_DURATION: Final = re.compile(r"(?:\d{1,9}(?:ms|[smhdw]))+", re.ASCII)


def _query(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _success(promql.instant(connection, _expression(asked), _moment(asked, "time", _now(asked))))


def _query_range(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    start, end = _moment(asked, "start"), _moment(asked, "end")
    return _success(promql.over_range(connection, _expression(asked), start, end, _step(asked)))


def _query_exemplars(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    start, end = _moment(asked, "start"), _moment(asked, "end")
    return _success(promql.exemplars(connection, _expression(asked), start, end))


def _success(data: object) -> Answer:
    return {"status": "success", "data": data}


def _expression(asked: Parameters) -> str:
    text = asked.text("query")
    if text is None:
        raise QueryError("bad_request", "query is missing.", "Write PromQL: query=sum(rate(NAME_total[1m])).")
    return text


def _now(asked: Parameters) -> int:
    return (asked.now_unix_ns or time.time_ns()) // 1_000_000


def _moment(asked: Parameters, name: str, default: int | None = None) -> int:
    """Return a time in milliseconds: Unix seconds, or RFC 3339."""
    text = asked.text(name)
    if text is None and default is not None:
        return default
    try:
        seconds = float(text or "")
    except ValueError:
        try:
            seconds = _seconds(datetime.fromisoformat(text or ""))
        except (ValueError, OverflowError):
            seconds = math.nan
    if not 0 <= seconds <= _LATEST_S:
        hint = f"Write Unix seconds, {name}=1796012345.6, or a time, {name}=2026-11-30T02:41:07Z."
        raise QueryError("bad_request", f"{name}={text or ''!r} is not a time.", hint)
    return round(seconds * 1000)


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _step(asked: Parameters) -> int:
    """Return the step in milliseconds: seconds, or a duration such as `15s`."""
    text = asked.text("step") or ""
    if _DURATION.fullmatch(text):
        step = float(sum(int(number) * _PARTS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdw])", text)))
    else:
        try:
            step = float(text) * 1000
        except ValueError:
            step = math.nan
    if not 1 <= step <= 1000 * _LATEST_S:
        raise QueryError("bad_request", f"step={text!r} is not a step.", "Write seconds, step=15, or step=15s.")
    return round(step)


QUESTIONS: Final = (
    Question("/api/query", "PromQL on the stored metrics, at one time", ("query", "time"), _query, PROMETHEUS),
    Question(
        "/api/query_range",
        "PromQL on the stored metrics, over a time",
        ("query", "start", "end", "step"),
        _query_range,
        PROMETHEUS,
    ),
    Question(
        "/api/query_exemplars",
        "single measurements behind a query's series, each with its trace",
        ("query", "start", "end"),
        _query_exemplars,
        PROMETHEUS,
    ),
)
