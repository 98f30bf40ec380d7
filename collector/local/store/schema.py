"""The records of the store as queries see them, declared once, each column with its documentation.

`spans`, `span_events` and `span_links` are views of typed tables (`spans/tables.py`), with more views beside them
(`views.py`); the others are tables. Conventions that hold in all of them:

- Ids (trace, span) are lower-case hexadecimal text; an absent id is NULL.
- Times are nanoseconds since 1970 in a BIGINT; 0 means "not given", as in OTLP. OTLP's are unsigned: a record whose
  time is above 2^63 - 1 (the year 2262) is rejected and counted.
- Absent text is the empty string, as in OTLP; absent numbers that are optional in OTLP are NULL.
- The columns `attributes`, `body` and `metadata` are JSON text in the form that the query API returns: 64-bit integers
  exact, doubles always with a point or an exponent, NaN and Infinity as the strings "NaN", "Infinity" and "-Infinity",
  bytes as base64 text, arrays as lists, key-value lists as objects, an empty value as null.
- `resource_id` and `scope_id` refer to `resources` and `scopes`. Both are hashes of the content, so that the same
  resource has the same id in every store.
- `ingested_unix_ns` is the collector's clock when the record was written: senders' clocks may be years off.
- No table has an index or a key: records are stored as they were sent, and an index would slow each insert down.
  `point_id` is unique nevertheless. An export that is sent twice is stored once (see `batches`).
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 4
"""Incremented with every change of the tables, together with a step in `migrations.py`."""


@dataclass(frozen=True)
class Column:
    """One column: `kind` is its DuckDB type, `doc` its meaning."""

    name: str
    kind: str
    doc: str


@dataclass(frozen=True)
class Table:
    """One table, with the meaning of a row."""

    name: str
    doc: str
    columns: tuple[Column, ...]

    def ddl(self) -> str:
        """The statement that creates the table if it is missing."""
        columns = ", ".join(f'"{column.name}" {column.kind}' for column in self.columns)
        return f'CREATE TABLE IF NOT EXISTS "{self.name}" ({columns})'


_INGESTED = Column("ingested_unix_ns", "BIGINT NOT NULL", "when the collector wrote the row, by its clock")
_ATTRIBUTES = Column("attributes", "VARCHAR NOT NULL", "JSON object")
_DROPPED = Column("dropped_attributes", "UINTEGER NOT NULL", "number of attributes that the sender dropped")
_SERVICE = Column(
    "service", "VARCHAR NOT NULL", "`service.name` of the resource, repeated here for filters; else unknown_service"
)
_RESOURCE = Column("resource_id", "BIGINT NOT NULL", "row of `resources`")
_SCOPE = Column("scope_id", "BIGINT NOT NULL", "row of `scopes`")

RESOURCES = Table(
    "resources",
    "One row for each resource: the process, host and service that sent telemetry.",
    (
        Column("resource_id", "BIGINT NOT NULL", "hash of the other columns"),
        Column("service", "VARCHAR NOT NULL", "`service.name`, else unknown_service"),
        _ATTRIBUTES,
        _DROPPED,
        Column("schema_url", "VARCHAR NOT NULL", "of the resource"),
        _INGESTED,
    ),
)

SCOPES = Table(
    "scopes",
    "One row for each instrumentation scope: the library that made the record.",
    (
        Column("scope_id", "BIGINT NOT NULL", "hash of the other columns"),
        Column("name", "VARCHAR NOT NULL", "of the scope; may be empty"),
        Column("version", "VARCHAR NOT NULL", "of the scope; may be empty"),
        _ATTRIBUTES,
        _DROPPED,
        Column("schema_url", "VARCHAR NOT NULL", "of the records in the scope"),
        _INGESTED,
    ),
)

SPANS = Table(
    "spans",
    "One row for each span; a view of `span_rows`, which adds `trace_no` and `segment_no`.",
    (
        Column("trace_id", "VARCHAR NOT NULL", "32 hexadecimal digits"),
        Column("span_id", "VARCHAR NOT NULL", "16 hexadecimal digits"),
        Column("parent_span_id", "VARCHAR", "16 hexadecimal digits; NULL at the root"),
        Column("name", "VARCHAR NOT NULL", "of the operation"),
        Column("kind", "VARCHAR NOT NULL", "unspecified, internal, server, client, producer, consumer"),
        _SERVICE,
        Column("start_unix_ns", "BIGINT NOT NULL", "by the sender's clock"),
        Column("end_unix_ns", "BIGINT NOT NULL", "by the sender's clock; may be before the start"),
        Column("status", "VARCHAR NOT NULL", "unset, ok, error"),
        Column("status_message", "VARCHAR NOT NULL", "of an error"),
        _ATTRIBUTES,
        _DROPPED,
        Column("dropped_events", "UINTEGER NOT NULL", "number of events that the sender dropped"),
        Column("dropped_links", "UINTEGER NOT NULL", "number of links that the sender dropped"),
        Column("trace_state", "VARCHAR NOT NULL", "W3C tracestate"),
        Column("flags", "UINTEGER NOT NULL", "W3C trace flags in the low 8 bits; bits 8 and 9: parent is remote"),
        _RESOURCE,
        _SCOPE,
        _INGESTED,
    ),
)

SPAN_EVENTS = Table(
    "span_events",
    "One row for each event on a span; exceptions are events. A view of `event_rows`.",
    (
        Column("trace_id", "VARCHAR NOT NULL", "of the span"),
        Column("span_id", "VARCHAR NOT NULL", "of the span"),
        Column("position", "UINTEGER NOT NULL", "index among the span's events, from 0"),
        Column("name", "VARCHAR NOT NULL", "of the event"),
        Column("time_unix_ns", "BIGINT NOT NULL", "by the sender's clock"),
        _ATTRIBUTES,
        _DROPPED,
        _INGESTED,
    ),
)

SPAN_LINKS = Table(
    "span_links",
    "One row for each link from a span to another. A view of `link_rows`.",
    (
        Column("trace_id", "VARCHAR NOT NULL", "of the span that has the link"),
        Column("span_id", "VARCHAR NOT NULL", "of the span that has the link"),
        Column("position", "UINTEGER NOT NULL", "index among the span's links, from 0"),
        Column("linked_trace_id", "VARCHAR NOT NULL", "target of the link"),
        Column("linked_span_id", "VARCHAR NOT NULL", "target of the link"),
        Column("trace_state", "VARCHAR NOT NULL", "W3C tracestate of the link"),
        Column("flags", "UINTEGER NOT NULL", "as on a span"),
        _ATTRIBUTES,
        _DROPPED,
        _INGESTED,
    ),
)

METRIC_POINTS = Table(
    "metric_points",
    "One row for each data point of a metric: one series at one time.",
    (
        Column("point_id", "BIGINT NOT NULL", "unique in the store; `exemplars` refer to it"),
        Column("name", "VARCHAR NOT NULL", "of the metric"),
        Column("type", "VARCHAR NOT NULL", "gauge, sum, histogram, exponential_histogram, summary"),
        Column("unit", "VARCHAR NOT NULL", "UCUM"),
        Column("description", "VARCHAR NOT NULL", "of the metric"),
        Column("metadata", "VARCHAR NOT NULL", "JSON object; OTLP's `Metric.metadata`"),
        Column(
            "temporality",
            "VARCHAR NOT NULL",
            "delta, cumulative, unspecified; empty for gauge and summary",
        ),
        Column("monotonic", "BOOLEAN NOT NULL", "true for a sum that never decreases"),
        _SERVICE,
        _ATTRIBUTES,
        Column(
            "start_unix_ns",
            "BIGINT NOT NULL",
            "start of the series (cumulative) or the interval (delta); 0: not given",
        ),
        Column("time_unix_ns", "BIGINT NOT NULL", "by the sender's clock"),
        Column("flags", "UINTEGER NOT NULL", "bit 0: no recorded value"),
        Column("int_value", "BIGINT", "gauge and sum, when sent as an integer"),
        Column("double_value", "DOUBLE", "gauge and sum, when sent as a double"),
        Column("count", "UBIGINT", "histograms and summary"),
        Column("sum", "DOUBLE", "histograms and summary, when sent"),
        Column("min", "DOUBLE", "histograms, when sent"),
        Column("max", "DOUBLE", "histograms, when sent"),
        Column(
            "bounds",
            "DOUBLE[]",
            "histogram: upper bounds, inclusive; one fewer than `bucket_counts`, or both are empty",
        ),
        Column("bucket_counts", "UBIGINT[]", "histogram: per bucket, not accumulated"),
        Column("scale", "INTEGER", "exponential histogram: base is 2^(2^-scale)"),
        Column("zero_count", "UBIGINT", "exponential histogram"),
        Column("zero_threshold", "DOUBLE", "exponential histogram"),
        Column("positive_offset", "INTEGER", "exponential histogram: index of the first positive bucket"),
        Column(
            "positive_counts", "UBIGINT[]", "exponential histogram: bucket i holds (base^(offset+i), base^(offset+i+1)]"
        ),
        Column("negative_offset", "INTEGER", "exponential histogram"),
        Column("negative_counts", "UBIGINT[]", "exponential histogram"),
        Column("quantiles", "DOUBLE[]", "summary: 0 to 1"),
        Column("quantile_values", "DOUBLE[]", "summary: the value at each of `quantiles`"),
        _RESOURCE,
        _SCOPE,
        _INGESTED,
    ),
)

EXEMPLARS = Table(
    "exemplars",
    "One row for each exemplar: a single measurement behind a metric point, with the trace it was made in.",
    (
        Column("point_id", "BIGINT NOT NULL", "row of `metric_points`"),
        Column("time_unix_ns", "BIGINT NOT NULL", "by the sender's clock"),
        Column("int_value", "BIGINT", "when sent as an integer"),
        Column("double_value", "DOUBLE", "when sent as a double"),
        Column("trace_id", "VARCHAR", "of the span in which it was measured; else NULL"),
        Column("span_id", "VARCHAR", "of the span in which it was measured; else NULL"),
        Column("attributes", "VARCHAR NOT NULL", "JSON object; the attributes that the metric's view filtered out"),
        _INGESTED,
    ),
)

LOGS = Table(
    "logs",
    "One row for each log record.",
    (
        Column("time_unix_ns", "BIGINT NOT NULL", "when the event happened, by the sender's clock; 0: not given"),
        Column("observed_unix_ns", "BIGINT NOT NULL", "when the sender's SDK observed it"),
        Column("severity_number", "INTEGER NOT NULL", "1 to 24 (9 info, 13 warn, 17 error); 0: not given"),
        Column("severity_text", "VARCHAR NOT NULL", "the sender's name of the severity"),
        Column("body", "VARCHAR NOT NULL", "JSON: any value, text as a JSON string"),
        Column("event_name", "VARCHAR NOT NULL", "of an event record; else empty"),
        _SERVICE,
        Column("trace_id", "VARCHAR", "NULL outside a trace (or if the id is invalid)"),
        Column("span_id", "VARCHAR", "NULL outside a span (or if the id is invalid)"),
        Column("flags", "UINTEGER NOT NULL", "W3C trace flags in the low 8 bits"),
        _ATTRIBUTES,
        _DROPPED,
        _RESOURCE,
        _SCOPE,
        _INGESTED,
    ),
)

BATCHES = Table(
    "batches",
    "One row for each recent export: the same bytes sent again are stored once. Limited by age and number.",
    (
        Column("digest", "VARCHAR NOT NULL", "of signal and body, hexadecimal"),
        Column("signal", "VARCHAR NOT NULL", "traces, metrics, logs"),
        Column("records", "UINTEGER NOT NULL", "spans, points or log records in it"),
        _INGESTED,
    ),
)

META = Table(
    "meta",
    "About the store itself: `schema_version`; `written_by`: the program that wrote it last; `views`: their digest.",
    (
        Column("key", "VARCHAR NOT NULL", "name"),
        Column("value", "VARCHAR NOT NULL", "value"),
    ),
)

BY_SIGNAL = (METRIC_POINTS, EXEMPLARS, LOGS)
"""The tables whose rows are stored as they are decoded; those of spans are typed, see `spans/tables.py`."""
