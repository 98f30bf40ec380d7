"""Which questions the API answers, and how.

In: a connection to a store, a path, its parameters. Out: the JSON object that answers, as plain values. State: none.

The HTTP server and the commands that read a store without one both answer from here, so that they cannot differ.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local import query
from collector.local.api_json import plain
from collector.local.api_parameters import Parameters

Answer = dict[str, Any]
Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Question:
    """One path: what it is, which parameters it knows, and the function that answers it."""

    path: str
    """A name in braces matches one part of the path, or, at the end, all that is left of it."""
    brief: str
    parameters: tuple[str, ...]
    answer: Callable[[DuckDBPyConnection, str, Parameters], Answer]


def _list(name: str, page: query.Page[Any]) -> Answer:
    return {name: plain(page.rows), "next": page.next}


def _services(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _list("services", query.services(connection, asked.limit(1000), asked.text("before")))


def _operations(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    page = query.operations(connection, asked.text("service"), asked.limit(1000), asked.text("before"))
    return _list("operations", page)


def _traces(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _list("traces", query.traces(connection, asked.trace_filter(), asked.limit(100), asked.text("before")))


def _trace(connection: DuckDBPyConnection, name: str, asked: Parameters) -> Answer:
    found = query.trace(connection, query.find_trace(connection, name))
    return trace_answer(found, None if asked.wait_s() is None else query.is_complete(found))


def trace_answer(found: query.Trace, complete: bool | None) -> Answer:
    """One trace; `complete` is told to those who were ready to wait for it."""
    return {**plain(found)} | ({} if complete is None else {"complete": complete})


def _metrics(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _list("metrics", query.metrics(connection, asked.limit(1000), asked.text("before")))


def _metric(connection: DuckDBPyConnection, name: str, asked: Parameters) -> Answer:
    found: Answer = plain(
        query.metric(connection, name, asked.limit(10_000), asked.text("before"), latest=asked.flag("latest"))
    )
    return found


def _logs(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    trace_id = asked.text("trace_id")
    page = query.logs(connection, trace_id and trace_id.lower(), asked.limit(1000), asked.text("before"))
    return _list("logs", page)


PAGE = ("limit", "before")
QUESTIONS = (
    Question("/api/services", "services and how much each sent", PAGE, _services),
    Question("/api/operations", "operations with rate, errors and percentiles", ("service", *PAGE), _operations),
    Question(
        "/api/traces",
        "traces, latest first",
        ("service", "operation", "status", "min_duration", "attribute", *PAGE),
        _traces,
    ),
    Question("/api/traces/{trace_id}", "one trace: an id, the beginning of one, or `last`", ("wait",), _trace),
    Question("/api/metrics", "metrics by name", PAGE, _metrics),
    Question("/api/metrics/{name}", "one metric's series with exemplars", ("latest", *PAGE), _metric),
    Question("/api/logs", "log records, latest first", ("trace_id", *PAGE), _logs),
)


def find(path: str) -> tuple[Question, str]:
    """The question that a path asks, and the part of the path that its braces match.

    Raises:
        query.QueryError: there is no such path.
    """
    for question in QUESTIONS:
        pattern = re.sub(r"\\{\w+\\}", "(.+)", re.escape(question.path))
        if match := re.fullmatch(pattern, path, re.DOTALL):
            return question, match[1] if match.groups() else ""
    raise query.QueryError("not_found", f"There is no path {path}.", f"Paths are {', '.join(PATHS)}.")


PATHS = ("/api/health", *(question.path for question in QUESTIONS), "/api/stats")


def answer(connection: DuckDBPyConnection, path: str, pairs: Pairs = ()) -> Answer:
    """Answer one question.

    Args:
        connection: to the store.
        path: such as `/api/traces`, percent-decoded.
        pairs: the query string, decoded.

    Raises:
        query.QueryError: no such path, parameter or thing.
    """
    question, name = find(path)
    return question.answer(connection, name, Parameters(pairs, question.parameters))
