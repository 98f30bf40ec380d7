"""The tables behind `spans` and `traces`: numbers instead of text, and summaries that are written with the spans.

- A trace has a number, `trace_no`, about in the order of arrival. Its id is only in its summary.
- A summary begins as parts: `trace_parts` has a row for each trace and transaction. Once no span has come for a while,
  the parts are folded into a row of `trace_rows`; a later span turns that row into a part again.
- Counts by minute begin in `…_minute_parts`, which are added up at every fold, and end in `…_minute_rows` once their
  minute is over. Rows may be negative: only sums count.
- Services, names and kinds of spans, with what the minutes need, are in `operations`, and spans refer to them.
- `attribute_filters` says which of the segments of `span_rows` may have an attribute of a value.
"""

from __future__ import annotations

from collector.local.store.schema import BATCHES, BY_SIGNAL, META, RESOURCES, SCOPES, Column, Table

_NO = Column("trace_no", "BIGINT NOT NULL", "number of the trace")
_INGESTED = Column("ingested_unix_ns", "BIGINT NOT NULL", "when the collector wrote the row, by its clock")
_ZSTD = "USING COMPRESSION zstd"
_DROPPED = Column("dropped_attributes", "UINTEGER NOT NULL", "number of attributes that the sender dropped")
_SPAN = Column("span_id", "UBIGINT NOT NULL", "of the span")

SPAN_ROWS = Table(
    "span_rows",
    "One row for each span.",
    (
        _NO,
        Column("segment_no", "INTEGER NOT NULL", "about 15,000 spans that arrived one after the other"),
        _SPAN,
        Column("parent_span_id", "UBIGINT NOT NULL", "0 at the root"),
        Column("operation_no", "INTEGER NOT NULL", "row of `operations`"),
        Column("start_unix_ns", "BIGINT NOT NULL", "by the sender's clock"),
        Column("lasted_ns", "BIGINT NOT NULL", "its end without its start, whatever these are"),
        Column("status", "UTINYINT NOT NULL", "0 unset, 1 ok, 2 error"),
        Column("status_message", "VARCHAR NOT NULL", "of an error"),
        Column("attributes", f"VARCHAR NOT NULL {_ZSTD}", "JSON object"),
        _DROPPED,
        Column("dropped_events", "UINTEGER NOT NULL", "number of events that the sender dropped"),
        Column("dropped_links", "UINTEGER NOT NULL", "number of links that the sender dropped"),
        Column("trace_state", "VARCHAR NOT NULL", "W3C tracestate"),
        Column("flags", "UINTEGER NOT NULL", "as in `spans`"),
        Column("resource_id", "BIGINT NOT NULL", "row of `resources`"),
        Column("scope_id", "BIGINT NOT NULL", "row of `scopes`"),
        _INGESTED,
    ),
)

EVENT_ROWS = Table(
    "event_rows",
    "One row for each event on a span.",
    (
        _NO,
        _SPAN,
        Column("position", "UINTEGER NOT NULL", "index among the span's events, from 0"),
        Column("name", "VARCHAR NOT NULL", "of the event"),
        Column("time_unix_ns", "BIGINT NOT NULL", "by the sender's clock"),
        Column("attributes", f"VARCHAR NOT NULL {_ZSTD}", "JSON object"),
        _DROPPED,
        _INGESTED,
    ),
)

LINK_ROWS = Table(
    "link_rows",
    "One row for each link from a span to another.",
    (
        _NO,
        _SPAN,
        Column("position", "UINTEGER NOT NULL", "index among the span's links, from 0"),
        Column("linked_trace_id", "VARCHAR NOT NULL", "target of the link; it may be invalid"),
        Column("linked_span_id", "VARCHAR NOT NULL", "target of the link; it may be invalid"),
        Column("trace_state", "VARCHAR NOT NULL", "W3C tracestate of the link"),
        Column("flags", "UINTEGER NOT NULL", "as on a span"),
        Column("attributes", "VARCHAR NOT NULL", "JSON object"),
        _DROPPED,
        _INGESTED,
    ),
)

OPERATIONS = Table(
    "operations",
    "One row for each kind of span that was seen.",
    (
        Column("operation_no", "INTEGER NOT NULL", "its number"),
        Column("service", "VARCHAR NOT NULL", "`service.name` of its resource"),
        Column("version", "VARCHAR NOT NULL", "`service version` of its resource; '' without a version"),
        Column("name", "VARCHAR NOT NULL", "of the span"),
        Column("kind", "VARCHAR NOT NULL", "of the span"),
        Column("is_rpc", "BOOLEAN NOT NULL", "the client's or the server's span of a call"),
        Column("search_operation", "VARCHAR", "`search.operation`"),
    ),
)

_ID = Column("trace_id", "VARCHAR NOT NULL", "32 hexadecimal digits")
_WHO = (
    Column("search_operation", "VARCHAR", "as in `traces`"),
    Column("platform", "VARCHAR", "as in `traces`"),
    Column("region", "VARCHAR", "as in `traces`"),
    Column("versions", "VARCHAR NOT NULL", "as in `traces`"),
)
_LAST = Column("last_ingested_unix_ns", "BIGINT NOT NULL", "when its last span was written")
_COUNTS = (
    Column("span_count", "INTEGER NOT NULL", "all spans"),
    Column("error_count", "INTEGER NOT NULL", "those with the status error"),
    Column("open_count", "INTEGER NOT NULL", "those without an end"),
    Column("untimed_count", "INTEGER NOT NULL", "those without a start, or with an end before it"),
    Column("is_batch", "BOOLEAN NOT NULL", "a span without a parent is a batch"),
)

TRACE_PARTS = Table(
    "trace_parts",
    "One row or more for each trace that is not folded yet and transaction. The least number means NULL.",
    (
        _NO,
        _ID,
        Column("generation", "INTEGER NOT NULL", "how often was folded before"),
        Column("start_unix_ns", "BIGINT NOT NULL", "when the first of these spans began; the least number: unknown"),
        Column("stop_unix_ns", "BIGINT NOT NULL", "when the last of them ended"),
        *_COUNTS,
        Column("root_key", "BIGINT NOT NULL", "the least is the root: when it began, less 2^63 if without a parent"),
        Column("root_id", "UBIGINT NOT NULL", "its span id"),
        Column("root_operation_no", "INTEGER NOT NULL", "row of `operations`"),
        Column("root_ns", "BIGINT NOT NULL", "its duration; the least number: unknown"),
        Column("root_outcome", "UTINYINT NOT NULL", "0 ok, 1 error, 2 rejected, 3 cancelled"),
        Column("root_len_docs", "BIGINT NOT NULL", "its `len_docs`"),
        Column(
            "entry_key",
            "BIGINT NOT NULL",
            "the least is the entry: when it began, less 2^63 at an endpoint; the least number: none",
        ),
        Column("entry_operation_no", "INTEGER NOT NULL", "row of `operations`"),
        Column("entry_ns", "BIGINT NOT NULL", "its duration; the least number: unknown"),
        Column("entry_outcome", "UTINYINT NOT NULL", "as of the root"),
        Column("entry_len_docs", "BIGINT NOT NULL", "its `len_docs`"),
        Column("server_key", "BIGINT NOT NULL", "when the first SERVER span began; the least number: none"),
        Column("server_parent", "UBIGINT NOT NULL", "its parent; of several that began then, the one with the least"),
        Column("server_ns", "BIGINT NOT NULL", "its duration; the least number: unknown"),
        *_WHO,
        Column("hits", "BIGINT NOT NULL", "the most `search.hits`"),
        _LAST,
    ),
)

TRACE_ROWS = Table(
    "trace_rows",
    "One row for each trace of which no span has come for a while.",
    (
        _NO,
        _ID,
        Column("id_key", "UINTEGER NOT NULL", "its first 8 digits as a number: an id is found by it"),
        Column("root_service", "VARCHAR NOT NULL", "as in `traces`"),
        Column("root_operation", "VARCHAR NOT NULL", "as in `traces`"),
        Column("root_kind", "VARCHAR NOT NULL", "as in `traces`"),
        Column("start_unix_ns", "BIGINT NOT NULL", "as in `traces`"),
        Column("duration_ns", "BIGINT NOT NULL", "as in `traces`"),
        *_COUNTS,
        Column("entry_service", "VARCHAR NOT NULL", "as in `traces`"),
        Column("entry_operation", "VARCHAR NOT NULL", "as in `traces`"),
        Column("entry_duration_ns", "BIGINT", "as in `traces`"),
        Column("client_less_ns", "BIGINT", "how much shorter than the trace the client's span is; NULL without one"),
        *_WHO,
        Column("outcome", "UTINYINT NOT NULL", "of the entry, as in `trace_parts`"),
        Column("len_docs", "BIGINT", "of the entry"),
        Column("hits", "BIGINT", "as in `traces`"),
        Column("transit_ns", "BIGINT", "as in `traces`"),
        _LAST,
        Column("root_later_ns", "BIGINT NOT NULL", "how long after the start the root began"),
        Column("root_is_orphan", "BOOLEAN NOT NULL", "the root has a parent, which is not here"),
        Column("entry_later_ns", "BIGINT", "how long after the start the entry began; NULL: it is the root"),
        Column("entry_is_endpoint", "BOOLEAN", "whether the entry is an endpoint's span; NULL: it is the root"),
    ),
)

_MINUTE = Column("minute_unix_s", "BIGINT NOT NULL", "in Unix seconds")
_COUNTED = (
    Column("bucket", "INTEGER NOT NULL", "of the duration; -1: unknown"),
    Column("n", "BIGINT NOT NULL", "how many, to be added up"),
    Column("total_ns", "BIGINT NOT NULL", "sum of the durations, to be added up"),
)
_OF_ENTRIES = (
    _MINUTE,
    Column("entry_service", "VARCHAR NOT NULL", "as in `traces`"),
    Column("entry_operation", "VARCHAR NOT NULL", "as in `traces`"),
    *_WHO,
    Column("outcome", "UTINYINT NOT NULL", "as in `trace_parts`"),
    Column("is_empty", "BOOLEAN NOT NULL", "`len_docs` is 0"),
    Column("is_client", "BOOLEAN NOT NULL", "by the duration of the client's span"),
    *_COUNTED,
)
_OF_SPANS = (
    _MINUTE,
    Column("operation_no", "INTEGER NOT NULL", "row of `operations`"),
    Column("is_error", "BOOLEAN NOT NULL", "the status is error"),
    *_COUNTED,
)
ENTRY_MINUTE_PARTS = Table("entry_minute_parts", "Folded traces, of minutes that may go on.", _OF_ENTRIES)
ENTRY_MINUTE_ROWS = Table("entry_minute_rows", "Folded traces, of minutes that are over.", _OF_ENTRIES)
SPAN_MINUTE_PARTS = Table("span_minute_parts", "Spans, of minutes that may go on.", _OF_SPANS)
SPAN_MINUTE_ROWS = Table("span_minute_rows", "Spans, of minutes that are over.", _OF_SPANS)

ATTRIBUTE_FILTERS = Table(
    "attribute_filters",
    "For each full segment, 256 Bloom filters of its attributes, each for a 256th of the values.",
    (
        Column("segment_no", "INTEGER NOT NULL", "as in `span_rows`"),
        Column("slice", "UTINYINT NOT NULL", "which 256th"),
        Column("bits", "BLOB NOT NULL", "the filter"),
    ),
)

OF_TRACES = (SPAN_ROWS, EVENT_ROWS, LINK_ROWS)
OF_MINUTES = (ENTRY_MINUTE_PARTS, ENTRY_MINUTE_ROWS, SPAN_MINUTE_PARTS, SPAN_MINUTE_ROWS)
TABLES = (
    META, BATCHES, RESOURCES, SCOPES, OPERATIONS, *OF_TRACES, TRACE_PARTS, TRACE_ROWS, *OF_MINUTES, ATTRIBUTE_FILTERS,
    *BY_SIGNAL,
)  # fmt: skip
"""Every table of the file."""
