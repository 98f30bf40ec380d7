"""Spans, errors and log records as Sentry's search sees them, from the answers of a local collector's API.

Out: rows from a field to its value. A field has its name in Sentry; a number or a boolean that is not one of Sentry's
own fields is only found with its type, as `tags[len_docs,number]`. By its bare name it is not found, as in Sentry.
Names: sentry, `src/sentry/search/eap/spans/attributes.py` and `ourlogs/attributes.py`, read in November 2026.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from tests.sentry_cli.layer import through_layer

Row = dict[str, Any]
Ask = Callable[..., Any]
REMOTE = 0x200
"""OTLP's flag: the parent is in another process. Such a span begins a transaction."""


def collected(ask: Ask, traces: int) -> dict[str, list[Row]]:
    """Rows by Sentry's name of the dataset: of so many searches and indexing requests, and of as many that failed."""
    entered = [{"service": "gateway", "operation": operation} for operation in ("/search", "/index")]
    wanted = [{**query, **status} for query in entered for status in ({}, {"status": "error"})]
    listed = [row for query in wanted for row in ask("/api/traces", limit=str(traces), **query)["traces"]]
    found = [ask(f"/api/traces/{trace_id}") for trace_id in dict.fromkeys(row["trace_id"] for row in listed)]
    spans = [row for trace in found for row in _spans(trace)]
    errors = [row for trace in found for row in _errors(trace)]
    records = [_record(record) for record in ask("/api/logs", limit="2000")["logs"]]
    return {"spans": spans, "errors": errors, "logs": records}


def _spans(trace: Row) -> Iterable[Row]:
    transactions: dict[str, str] = {}
    for span in trace["spans"]:  # parents first
        name, attributes = through_layer(span)
        begins = span["flags"] & REMOTE or span["parent_span_id"] not in transactions
        own = attributes.get("sentry.segment.name", name)
        transactions[span["span_id"]] = own if begins else transactions[span["parent_span_id"]]
        yield {
            **_typed(attributes),
            **_of_resource(span["resource"]),
            "id": span["span_id"],
            "trace": trace["trace_id"],
            "timestamp": _time(span["end_unix_ns"]),
            "span.op": attributes["sentry.op"],
            "span.description": name,
            "span.duration": span["duration_ns"] / 1e6,
            "span.self_time": span["self_ns"] / 1e6,
            "transaction": transactions[span["span_id"]],
            "release": attributes.get("sentry.release"),
        }


def _errors(trace: Row) -> Iterable[Row]:
    """What `telemetry.sentry` sends: an exception once for each process, from the innermost span that it ended."""
    failed = {span["span_id"]: span for span in trace["spans"] if any(e["name"] == "exception" for e in span["events"])}
    outer = {span["parent_span_id"] for span in failed.values() if not span["flags"] & REMOTE}
    for span in failed.values():
        if span["span_id"] in outer:
            continue
        exception = next(event for event in span["events"] if event["name"] == "exception")["attributes"]
        yield {
            "title": f"{exception['exception.type']}: {exception.get('exception.message', '')}",
            "transaction": span["name"],
            "trace": trace["trace_id"],
            "timestamp": _time(span["end_unix_ns"]),
            "release": span["resource"].get("service.version"),
            "service.name": span["service"],
        }


def _record(record: Row) -> Row:
    return {
        **_typed(record["attributes"]),
        **_of_resource(record["resource"]),
        "trace": record["trace_id"],
        "timestamp": _time(record["time_unix_ns"]),
        "message": record["body"],
        "severity": record["severity_text"].lower(),
        "severity_number": record["severity_number"],
    }


def _typed(attributes: Row) -> Row:
    def key(name: str, value: object) -> str:
        kind = "boolean" if isinstance(value, bool) else "number" if isinstance(value, int | float) else ""
        return f"tags[{name},{kind}]" if kind else name

    return {key(name, value): value for name, value in attributes.items()}


def _of_resource(resource: Row) -> Row:
    return {f"resource.{name}": value for name, value in resource.items()}


def _time(unix_ns: int) -> str:
    return datetime.fromtimestamp(unix_ns / 1e9, UTC).isoformat()
