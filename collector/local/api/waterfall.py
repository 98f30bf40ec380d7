"""The questions about one trace as a waterfall: overview, rows, one span, OTLP.

In: parameters of a request. Out: JSON objects. State: the shapes that the server keeps (`Parameters.shapes`).
"""

import re
from typing import Final

from duckdb import DuckDBPyConnection

from collector.local import query
from collector.local.api.as_json import plain
from collector.local.api.documented import OTLP
from collector.local.api.parameters import Parameters
from collector.local.api.question import Answer, Question
from collector.local.query import waterfall
from collector.local.query.waterfall.otlp import MAX_SPANS

_MOST_TOGGLED: Final = 1000


def _shape(connection: DuckDBPyConnection, name: str, asked: Parameters) -> waterfall.Shape:
    return asked.shapes.get(connection, query.trace_named(connection, name), as_sent=asked.flag("as_sent"))


def _overview(connection: DuckDBPyConnection, name: str, asked: Parameters) -> Answer:
    shape = _shape(connection, name, asked)
    client = waterfall.client_of(connection, shape.number, shape.id_at(0))
    logs = waterfall.log_count_of(connection, shape.trace_id)
    answer: Answer = plain(waterfall.overview_of(shape, client, logs))
    return answer


def _rows(connection: DuckDBPyConnection, name: str, asked: Parameters) -> Answer:
    offset, limit = asked.number("offset", 0), asked.number("limit", 100, waterfall.MAX_ROWS)
    wanted = _wanted(asked)
    shape = _shape(connection, name, asked)
    matches = waterfall.search(connection, shape, asked.text("search"))
    seen = waterfall.visible(shape, wanted, matches)
    found = matches if asked.text("search") else None
    answer: Answer = plain(waterfall.window(shape, seen, found, offset=offset, limit=limit, reveal=_revealed(asked)))
    return answer


def _wanted(asked: Parameters) -> waterfall.Asked:
    zoom = None
    if asked.text("from_ns") or asked.text("to_ns"):
        zoom = (asked.number("from_ns", 0), asked.number("to_ns", 2**63 - 1))
    level = asked.number("level", 0, 1_000_000) if asked.text("level") else None
    ids = [one for one in (asked.text("toggled") or "").split(",") if one]
    if len(ids) > _MOST_TOGGLED:
        message = f"toggled has {len(ids)} ids; at most {_MOST_TOGGLED} are possible."
        raise query.QueryError("bad_request", message, "Collapse by level instead.")
    toggled = frozenset(_span_id("toggled", one) for one in ids)
    return waterfall.Asked(level, toggled, _revealed(asked), asked.text("only"), zoom)


def _revealed(asked: Parameters) -> str | None:
    text = asked.text("reveal")
    return None if text is None else _span_id("reveal", text)


def _span_id(name: str, text: str) -> str:
    """The id of a span that a parameter names."""
    if not re.fullmatch("[0-9a-fA-F]{1,16}", text):
        what = f"{name}={text[:40]!r} is not a span id." if text else f"{name} is missing."
        raise query.QueryError("bad_request", what, f"Write {name}=00f067aa0ba902b7.")
    return text.lower()


def _span(connection: DuckDBPyConnection, name: str, asked: Parameters) -> Answer:
    shape = _shape(connection, name, asked)
    span_id = _span_id("id", asked.text("id") or "")
    place = asked.number("place", 0, 2**31) if asked.text("place") else None
    answer: Answer = plain(waterfall.span(connection, shape, span_id, place))
    return answer


def _otlp(connection: DuckDBPyConnection, name: str, asked: Parameters) -> Answer:
    offset, limit = asked.number("offset", 0), asked.number("limit", MAX_SPANS, MAX_SPANS) or 1
    document, spans = waterfall.otlp(connection, query.trace_named(connection, name), offset, limit)
    return document | ({"next": offset + spans} if spans == limit else {})


_SEEN: Final = ("level", "toggled", "reveal", "only", "from_ns", "to_ns", "search", "as_sent")
QUESTIONS: Final = (
    Question(
        "/api/traces/{trace_id}/overview",
        "a trace in a few numbers, with a minimap",
        ("as_sent",),
        _overview,
        waterfall.Overview,
    ),
    Question(
        "/api/traces/{trace_id}/rows",
        "a window of a trace's rows",
        ("offset", "limit", *_SEEN),
        _rows,
        waterfall.Window,
    ),
    Question(
        "/api/traces/{trace_id}/span",
        "one span of a trace",
        ("id", "place", "as_sent"),
        _span,
        waterfall.SpanDetails,
        is_whole=True,
    ),
    Question("/api/traces/{trace_id}/otlp", "a trace as OTLP JSON", ("offset", "limit"), _otlp, OTLP, is_whole=True),
)
