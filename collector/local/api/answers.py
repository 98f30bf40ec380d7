"""The endpoints of the API: paths, parameters, and the functions that return the JSON object.

The HTTP server and the commands that read a store without a server use the same functions.
"""

import re
import time
from contextlib import suppress
from functools import cache
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from collector.local import query
from collector.local.api import comparing, filtering, openapi, overview, prometheus, suspecting, waterfall
from collector.local.api.as_json import plain
from collector.local.api.documented import AwaitedTrace, ListedTrace
from collector.local.api.parameters import MAX_LIMIT, Pairs, Parameters
from collector.local.api.question import Answer, Question, Rows
from collector.local.query.lookup.numbers import numbers_of
from collector.local.query.lookup.trace_shapes import shapes_of_traces
from collector.local.store.parsing import parsing_once

PROBLEM_HEADER = "Search-Telemetry-Problem"
"""Beside an answer over HTTP: why the store cannot write now, percent-encoded."""


def _list(name: str, page: query.Page[Any]) -> Answer:
    return {name: plain(page.rows), "next": page.next}


def _arrivals(name: str, found: query.Arrivals[Any]) -> Answer:
    return {name: plain(found.rows), "after": found.after}


def _services(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _list("services", query.services(connection, asked.limit(1000), asked.text("before")))


def _operations(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    page = query.operations(connection, asked.text("service"), asked.limit(1000), asked.text("before"))
    return _list("operations", page)


def _traces(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    wanted, after = asked.trace_filter(), asked.after()
    if after is None:
        return _trace_list(connection, wanted, asked)
    now, since = asked.now_unix_ns or time.time_ns(), None if after == NOW else after
    return _arrivals("traces", query.ended_traces(connection, wanted, since, now, asked.limit(MAX_LIMIT)))


def _trace_list(connection: DuckDBPyConnection, wanted: query.TraceFilter, asked: Parameters) -> Answer:
    order = asked.one_of("order", tuple(query.ORDERS))
    page = query.traces(connection, wanted, asked.limit(100), asked.text("before"), order)
    listed = _list("traces", page)
    if asked.flag("stages"):
        numbers = numbers_of(connection, page.rows)
        counts = {numbers[row.trace_id]: row.span_count for row in page.rows if row.trace_id in numbers}
        found = shapes_of_traces(connection, counts)
        for row in listed["traces"]:
            shape = found.get(numbers.get(row["trace_id"], -1))
            times = shape.times_of_stages() if shape else {}
            row["stages"] = [{"stage": stage, "time_ns": time_ns} for stage, time_ns in times.items()]
    return listed


def _shared(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return {"shared": plain(query.shared(connection, asked.trace_filter(), asked.limit(10))), "next": None}


def _trace(connection: DuckDBPyConnection, name: str, asked: Parameters) -> Answer:
    found = query.trace(connection, query.trace_named(connection, name))
    return trace_answer(found, None if asked.wait_s() is None else query.is_complete(found))


def trace_answer(found: query.Trace, complete: bool | None) -> Answer:
    """One trace; with `complete` if the request waited for it."""
    return {**plain(found)} | ({} if complete is None else {"complete": complete})


def _metrics(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _list("metrics", query.metrics(connection, asked.limit(1000), asked.text("before")))


def _metric(connection: DuckDBPyConnection, name: str, asked: Parameters) -> Answer:
    limit, before, latest = asked.limit(10_000), asked.text("before"), asked.flag("latest")
    until, now = asked.until_ns(), asked.now_unix_ns
    found = query.metric(connection, name, limit, before, latest=latest, until_ns=until, now_unix_ns=now)
    answered: Answer = plain(found)
    return answered


def _logs(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    name, after = asked.text("trace_id"), asked.after()
    wanted = asked.log_filter(name and query.find_trace(connection, name, with_logs=True))
    if after is not None and after != NOW:
        return _arrivals("logs", query.arrived_logs(connection, wanted, after))
    limit = asked.limit(1000)
    if after is None:
        return _list("logs", query.logs(connection, wanted, limit, asked.text("before")))
    newest = query.newest_log(connection)
    return {"logs": plain(query.last_arrived_logs(connection, wanted, limit)), "after": newest}


@cache
def _documented() -> Answer:
    return openapi.document(QUESTIONS)


def _document(_: DuckDBPyConnection, __: str, ___: Parameters) -> Answer:
    return _documented()


PAGE, FOLLOW = ("limit", "before"), ("after", "wait")
FILTERS = (
    "filter", "service", "operation", "status", "min_duration", "attribute", "since", "until", "platform", "region",
    "version", "batches",
)  # fmt: skip
LOG_FILTERS = ("filter", "trace_id", "service", "level", "since", "until")
NOW = "now"
"""As `after`: what is stored now, and the cursor for what arrives later."""
QUESTIONS = (
    Question("/api/services", "services with their counts", PAGE, _services, Rows("services", query.ServiceRow)),
    Question(
        "/api/operations",
        "operations with rate, errors and percentiles",
        ("service", *PAGE),
        _operations,
        Rows("operations", query.OperationRow),
    ),
    Question(
        "/api/traces",
        "traces, latest first",
        (*FILTERS, "order", "stages", *PAGE, *FOLLOW),
        _traces,
        Rows("traces", ListedTrace, follows=True),
    ),
    Question(
        "/api/shared",
        "what matching traces share, more often than others",
        (*FILTERS, "limit"),
        _shared,
        Rows("shared", query.SharedRow),
    ),
    *waterfall.QUESTIONS,
    Question(
        "/api/traces/{trace_id}",
        "one trace: an id, the beginning of one, or `last`",
        ("wait",),
        _trace,
        AwaitedTrace,
        is_whole=True,
    ),
    *comparing.QUESTIONS,
    Question("/api/metrics", "metrics by name", PAGE, _metrics, Rows("metrics", query.MetricRow)),
    Question(
        "/api/metrics/{name}",
        "one metric's series with exemplars",
        ("latest", "until", *PAGE),
        _metric,
        query.Metric,
        is_whole=True,
    ),
    *prometheus.QUESTIONS,
    Question(
        "/api/logs",
        "log records, latest first",
        LOG_FILTERS + PAGE + FOLLOW,
        _logs,
        Rows("logs", query.LogRow, follows=True),
        is_whole=True,
    ),
    *overview.QUESTIONS,
    *filtering.QUESTIONS,
    Question("/api/openapi.json", "this document", (), _document, {"type": "object"}, is_whole=True),
    *suspecting.QUESTIONS,
)


def find(path: str) -> tuple[Question, str]:
    """The question of a path, and the part of the path that its braces match.

    Raises:
        query.QueryError: there is no such path.
    """
    for question in QUESTIONS:
        pattern = re.sub(r"\\{\w+\\}", "(.+)", re.escape(question.path))
        if match := re.fullmatch(pattern, path, re.DOTALL):
            return question, match[1] if match.groups() else ""
    raise no_path(path)


def no_path(path: str) -> query.QueryError:
    """The error for an unknown path."""
    return query.QueryError("not_found", f"There is no path {path}.", f"Paths are {', '.join(PATHS)}.")


PATHS = ("/api/health", *(question.path for question in QUESTIONS), "/api/stats")


def answer(connection: DuckDBPyConnection, path: str, pairs: Pairs = ()) -> Answer:
    """Answer the question of a path, from a store without a collector.

    Args:
        connection: to the store.
        path: such as `/api/traces`, percent-decoded.
        pairs: the query string, decoded.

    Raises:
        query.QueryError: no such path, parameter or item.
    """
    question, name = find(path)
    return ask(connection, question, name, Parameters(pairs, question.parameters, connection=connection))


def ask(connection: DuckDBPyConnection, question: Question, name: str, asked: Parameters) -> Answer:
    """Answer one question, in one transaction.

    Args:
        connection: to the store.
        question: of the path.
        name: the part of the path that the question's braces match.
        asked: the parameters.

    Raises:
        query.QueryError: no such item.
    """
    connection.begin()
    try:
        return question.answer(parsing_once(connection), name, asked)
    finally:
        with suppress(duckdb.Error):  # the store was closed meanwhile: keep the answer, or its error
            connection.rollback()
