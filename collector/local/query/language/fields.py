"""The names that a filter may use besides attributes: of traces, of their spans, and of log records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "duration", "level", "versions"]


@dataclass(frozen=True)
class Field:
    """One name."""

    name: str
    column: str
    """Of the view `traces`, or of `span_facts` where `of_span`; of log records in `LOG_FIELDS`."""
    kind: Kind
    doc: str
    of_span: bool = False
    """All terms of such fields hold for one and the same span of the trace."""
    values: tuple[str, ...] = ()
    """All there are; empty: any."""


def _by_name(*fields: Field) -> Mapping[str, Field]:
    return {field.name: field for field in fields}


STATUSES = ("unset", "ok", "error")
KINDS = ("internal", "server", "client", "producer", "consumer", "unspecified")
OUTCOMES = ("ok", "error", "rejected", "cancelled")
LEVELS = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
"""The lowest severity number of each level, as in OpenTelemetry."""

TRACE_FIELDS = _by_name(
    Field("service", "service", "text", "service of a span", of_span=True),
    Field("operation", "name", "text", "name of a span", of_span=True),
    Field("kind", "kind", "text", "kind of a span", of_span=True, values=KINDS),
    Field("status", "status", "text", "status of a span", of_span=True, values=STATUSES),
    Field("span.duration", "end_unix_ns - start_unix_ns", "duration", "duration of a span", of_span=True),
    Field("duration", "duration_ns", "duration", "duration of the whole trace"),
    Field("transit", "transit_ns", "duration", "time on the way to the entry and back"),
    Field("outcome", "outcome", "text", "how the request ended", values=OUTCOMES),
    Field("platform", "platform", "text", "platform of the client"),
    Field("region", "region", "text", "country of the client"),
    Field("version", "versions", "versions", "version of a service: 2.0.0, or `clip_encoder 2.0.0` in quotes"),
    Field("entry", "entry_operation", "text", "endpoint at which the request entered"),
    Field("entry.service", "entry_service", "text", "service at which the request entered"),
    Field("len_docs", "len_docs", "number", "documents of the request"),
    Field("hits", "hits", "number", "results of the search"),
    Field("spans", "span_count", "number", "spans of the trace"),
    Field("errors", "error_count", "number", "spans of the trace with an error"),
    Field("trace", "trace_id", "text", "id of the trace"),
)
TRACE_SYNONYMS = {
    "client.platform": "platform",
    "client.region": "region",
    "service.name": "service",
    "service.version": "version",
    "name": "operation",
    "search.hits": "hits",
}
"""Attributes that a trace's summary has: the same answer without reading spans."""

LOG_FIELDS = _by_name(
    Field("service", "service", "text", "service that wrote the record"),
    Field("level", "severity", "level", "level of the record", values=tuple(LEVELS)),
    Field("body", "json_extract_string(body, '$')", "text", "text of the record; a word without a key means body~word"),
    Field("event", "event_name", "text", "name of an event record"),
    Field("trace", "trace_id", "text", "id of its trace"),
    Field("span", "span_id", "text", "id of its span"),
)
LOG_SYNONYMS = {"message": "body", "service.name": "service", "severity": "level", "trace_id": "trace"}
