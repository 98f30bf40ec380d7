"""The views of the store: what lists, charts and tables of many traces read instead of `spans`.

In: the tables of `spans/tables.py`. Out: the statements that create the views. They are complete at any moment: a span
that is committed is in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.local.store.schema import SPAN_EVENTS, SPAN_LINKS, SPANS, Column, Table
from collector.local.store.spans.facts import OUTCOMES
from collector.local.store.spans.folding import entry_minutes, id_key, starts, summed, summed_at_once
from collector.local.store.spans.tables import (
    ENTRY_MINUTE_PARTS,
    ENTRY_MINUTE_ROWS,
    EVENT_ROWS,
    LINK_ROWS,
    OPERATIONS,
    SPAN_MINUTE_PARTS,
    SPAN_MINUTE_ROWS,
    SPAN_ROWS,
    TRACE_PARTS,
    TRACE_ROWS,
)


@dataclass(frozen=True)
class View:
    """One view, with the meaning of a row; `sql` is its query."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    sql: str

    def ddl(self) -> str:
        """The statement that creates the view, or replaces it."""
        return f"CREATE OR REPLACE VIEW {self._named} AS {self.sql}"

    def temporary(self, sql: str) -> str:
        """The statement that puts another query in the place of the view, for one connection."""
        return f"CREATE OR REPLACE TEMP VIEW {self._named} AS {sql}"

    def instead(self, sql: str) -> str:
        """Another query in the place of the view, for what follows FROM."""
        return f"({sql}) AS {self._named}"

    @property
    def _named(self) -> str:
        columns = ", ".join(f'"{column.name}"' for column in self.columns)
        return f'"{self.name}" ({columns})'


def _hex(column: str) -> str:
    """SQL for an id of 16 digits."""
    return f"printf('%016x', {column})"


_BUCKET_SQL = "CASE WHEN bucket >= 0 THEN bucket END"
_OUTCOMES = str(list(OUTCOMES))
_SUMMED_ONCE, _MINUTES_ONCE = "traces_summed_once", "minutes_summed_once"
"""Temporary tables of one connection."""
_HIDDEN = frozenset(("id_key", "root_later_ns", "root_is_orphan", "entry_later_ns", "entry_is_endpoint"))
"""What is only kept in case that a late span comes."""
_SHOWN = ", ".join(column.name for column in TRACE_ROWS.columns if column.name not in _HIDDEN)


_OF_TRACES = f"""
SELECT trace_id, trace_no, root_service, root_operation, root_kind, start_unix_ns,
    duration_ns, span_count, error_count, open_count, untimed_count, is_batch, entry_service, entry_operation,
    entry_duration_ns, duration_ns - client_less_ns, search_operation, platform, region, versions,
    {_OUTCOMES}[outcome + 1], len_docs, hits, transit_ns, last_ingested_unix_ns
"""


def _traces(of_parts: str) -> str:
    return f"""
{_OF_TRACES} FROM (SELECT {_SHOWN} FROM {TRACE_ROWS.name} UNION ALL SELECT {_SHOWN} FROM ({of_parts}))
"""  # noqa: S608 (our own names)


def _entry_minutes(of_parts: str) -> str:
    return f"""
SELECT minute_unix_s, entry_service, entry_operation, search_operation, platform, region, versions,
    {_OUTCOMES}[outcome + 1], is_empty, CASE WHEN is_client THEN 'client' ELSE 'server' END, {_BUCKET_SQL}, n, total_ns
FROM (FROM {ENTRY_MINUTE_ROWS.name} UNION ALL FROM {ENTRY_MINUTE_PARTS.name} UNION ALL {of_parts})
"""  # noqa: S608 (as above)


_MINUTES_OF_PARTS = entry_minutes(f"({summed_at_once(TRACE_PARTS.name)})")

_SPAN_MINUTES = f"""
SELECT minute_unix_s, service, version, name, kind, is_rpc, search_operation, is_error, {_BUCKET_SQL}, n, total_ns
FROM (FROM {SPAN_MINUTE_ROWS.name} UNION ALL FROM {SPAN_MINUTE_PARTS.name}) JOIN {OPERATIONS.name} USING (operation_no)
"""  # noqa: S608 (as above)

_TRACE_IDS = f"""
SELECT trace_no, trace_id, id_key FROM {TRACE_ROWS.name}
UNION ALL SELECT DISTINCT trace_no, trace_id, {id_key("trace_id")} FROM {TRACE_PARTS.name}
"""  # noqa: S608 (as above)

_STATUSES = "['unset', 'ok', 'error'][status + 1]"
_SPANS = f"""
SELECT trace_id, {_hex("span_id")}, CASE WHEN parent_span_id <> 0 THEN {_hex("parent_span_id")} END, name, kind,
    service, start_unix_ns, start_unix_ns + lasted_ns, {_STATUSES}, status_message, attributes, dropped_attributes,
    dropped_events, dropped_links, trace_state, flags, resource_id, scope_id, ingested_unix_ns, trace_no, segment_no
FROM {SPAN_ROWS.name} JOIN {OPERATIONS.name} USING (operation_no) JOIN trace_ids USING (trace_no)
"""  # noqa: S608 (as above)
_SPAN_FACTS = f"""
SELECT trace_no, segment_no, service, name, kind, is_rpc, search_operation, {_STATUSES}, start_unix_ns,
    start_unix_ns + lasted_ns, parent_span_id = 0, attributes, resource_id, ingested_unix_ns, {_hex("span_id")},
    CASE WHEN parent_span_id <> 0 THEN {_hex("parent_span_id")} END, scope_id
FROM {SPAN_ROWS.name} JOIN {OPERATIONS.name} USING (operation_no)
"""  # noqa: S608 (as above)
_SPAN_EVENTS = f"""
SELECT trace_id, {_hex("span_id")}, position, name, time_unix_ns, attributes, dropped_attributes, ingested_unix_ns,
    trace_no
FROM {EVENT_ROWS.name} JOIN trace_ids USING (trace_no)
"""  # noqa: S608 (as above)
_SPAN_LINKS = f"""
SELECT trace_id, {_hex("span_id")}, position, linked_trace_id, linked_span_id, trace_state, flags, attributes,
    dropped_attributes, ingested_unix_ns, trace_no
FROM {LINK_ROWS.name} JOIN trace_ids USING (trace_no)
"""  # noqa: S608 (as above)

_SEARCH_OPERATION = Column("search_operation", "VARCHAR", "`search.operation`; NULL if no span has it")
_BUCKET = Column("bucket", "INTEGER", "floor(8 * log2(nanoseconds)); NULL: the duration is not known")
_N = Column("n", "BIGINT", "how many; rows may be negative and repeat: only sums count")
_TOTAL = Column("total_ns", "BIGINT", "sum of their durations")
_VERSIONS = Column(
    "versions", "VARCHAR", "each `service version` of its spans, sorted, with ', ' between them; '': none is known"
)
_PLATFORM = Column("platform", "VARCHAR", "`client.platform`; NULL if no span has it")
_REGION = Column("region", "VARCHAR", "`client.region`; NULL if no span has it")
_OUTCOME = Column("outcome", "VARCHAR", "of the entry: ok, error, rejected, cancelled")
_ENTRY_SERVICE = Column(
    "entry_service", "VARCHAR", "of the entry: the endpoint's span with `search.entry`, else the root"
)
_ENTRY_OPERATION = Column("entry_operation", "VARCHAR", "name of that span")

TRACES = View(
    "traces",
    "One row for each trace. Its root is its earliest span without a parent, else its earliest span.",
    (
        Column("trace_id", "VARCHAR", "32 hexadecimal digits"),
        Column("trace_no", "BIGINT", "number of the trace in this store, about in the order of arrival"),
        Column("root_service", "VARCHAR", "service of the root"),
        Column("root_operation", "VARCHAR", "name of the root"),
        Column("root_kind", "VARCHAR", "kind of the root"),
        Column("start_unix_ns", "BIGINT", "when its first span began; 0: no span has a time"),
        Column("duration_ns", "BIGINT", "from there to the end of its last span"),
        Column("span_count", "BIGINT", "all spans"),
        Column("error_count", "BIGINT", "those with the status error"),
        Column("open_count", "BIGINT", "those without an end"),
        Column("untimed_count", "BIGINT", "those without a start, or with an end before it"),
        Column("is_batch", "BOOLEAN", "a dynamic batch, to which requests link"),
        _ENTRY_SERVICE,
        _ENTRY_OPERATION,
        Column("entry_duration_ns", "BIGINT", "its duration; NULL if it is not known"),
        Column(
            "client_duration_ns",
            "BIGINT",
            "duration of the root if that is a CLIENT span; else, once no span has come for some seconds, of the "
            "CLIENT span whose SERVER child has the entry in it; NULL without either",
        ),
        _SEARCH_OPERATION,
        _PLATFORM,
        _REGION,
        _VERSIONS,
        _OUTCOME,
        Column("len_docs", "BIGINT", "`len_docs` of the entry; NULL if it has none"),
        Column("hits", "BIGINT", "the most `search.hits` of a span; NULL: not a search"),
        Column(
            "transit_ns",
            "BIGINT",
            "that CLIENT span without the first SERVER span; NULL if that is not its child, or has no duration",
        ),
        Column("last_ingested_unix_ns", "BIGINT", "when its last span was written, by the collector's clock"),
    ),
    _traces(summed(TRACE_PARTS.name)),
)

ENTRY_MINUTES = View(
    "entry_minutes",
    "Traces by minute, entry and outcome, in buckets of their duration; without batches. Sum `n` and `total_ns`.",
    (
        Column("minute_unix_s", "BIGINT", "the minute in which the trace began, in Unix seconds"),
        _ENTRY_SERVICE,
        _ENTRY_OPERATION,
        _SEARCH_OPERATION,
        _PLATFORM,
        _REGION,
        _VERSIONS,
        _OUTCOME,
        Column("is_empty", "BOOLEAN", "`len_docs` is 0"),
        Column(
            "side",
            "VARCHAR",
            "server: all traces, by the entry's duration; client: those with a CLIENT span before it, by its",
        ),
        _BUCKET,
        _N,
        _TOTAL,
    ),
    _entry_minutes(_MINUTES_OF_PARTS),
)

SPAN_MINUTES = View(
    "span_minutes",
    "Spans by minute and operation, in buckets of their duration. Sum `n` and `total_ns`.",
    (
        Column("minute_unix_s", "BIGINT", "the minute in which the span began, in Unix seconds"),
        Column("service", "VARCHAR", "of the span"),
        Column("version", "VARCHAR", "`service version` of its resource; '' if that has no version"),
        Column("operation", "VARCHAR", "the span's name"),
        Column("kind", "VARCHAR", "as in `spans`"),
        Column("is_rpc", "BOOLEAN", "the client's or the server's span of a call"),
        _SEARCH_OPERATION,
        Column("is_error", "BOOLEAN", "its status is error"),
        _BUCKET,
        _N,
        _TOTAL,
    ),
    _SPAN_MINUTES,
)

_NO = Column("trace_no", "BIGINT", "as in `traces`")
_SEGMENT = Column("segment_no", "INTEGER", "which segment of about 15,000 spans; see `attribute_filters`")
TRACE_IDS = View(
    "trace_ids",
    "One row for each trace: how to find its number by its id, which is fast.",
    (_NO, Column("trace_id", "VARCHAR", "as in `traces`"), Column("id_key", "UINTEGER", "its first 8 digits")),
    _TRACE_IDS,
)
SPAN_FACTS = View(
    "span_facts",
    "One row for each span, without the id of its trace: for questions about many, which `spans` answers more slowly.",
    (
        _NO,
        _SEGMENT,
        Column("service", "VARCHAR", "as in `spans`"),
        Column("name", "VARCHAR", "as in `spans`"),
        Column("kind", "VARCHAR", "as in `spans`"),
        Column("is_rpc", "BOOLEAN", "as in `span_minutes`"),
        _SEARCH_OPERATION,
        Column("status", "VARCHAR", "as in `spans`"),
        Column("start_unix_ns", "BIGINT", "as in `spans`"),
        Column("end_unix_ns", "BIGINT", "as in `spans`"),
        Column("is_root", "BOOLEAN", "it has no parent"),
        Column("attributes", "VARCHAR", "as in `spans`"),
        Column("resource_id", "BIGINT", "as in `spans`"),
        Column("ingested_unix_ns", "BIGINT", "as in `spans`"),
        Column("span_id", "VARCHAR", "as in `spans`"),
        Column("parent_span_id", "VARCHAR", "as in `spans`"),
        Column("scope_id", "BIGINT", "as in `spans`"),
    ),
    _SPAN_FACTS,
)


def _of(table: Table, sql: str, *more: Column) -> View:
    return View(table.name, table.doc, (*table.columns, *more), sql)


VIEWS = (
    TRACE_IDS,
    _of(SPANS, _SPANS, _NO, _SEGMENT),
    SPAN_FACTS,
    _of(SPAN_EVENTS, _SPAN_EVENTS, _NO),
    _of(SPAN_LINKS, _SPAN_LINKS, _NO),
    TRACES,
    ENTRY_MINUTES,
    SPAN_MINUTES,
)
"""In this order: a view reads those before it."""

OF_ID_KEY = f"""
    SELECT trace_no, trace_id FROM {TRACE_ROWS.name} WHERE id_key = ?
    UNION ALL SELECT trace_no, trace_id FROM {TRACE_PARTS.name} WHERE starts_with(trace_id, ?)
"""  # noqa: S608 (as above)
"""The rows of `trace_ids` with a key, by the number and by its 8 digits: that of parts is not computed.

Rows may repeat."""

FOLDED_TRACES = TRACES.instead(f"{_OF_TRACES} FROM {TRACE_ROWS.name}")
"""In the place of `traces`: without those of which a span has come within the last seconds, which are summed up."""
OPEN_TRACES = f"SELECT trace_no FROM {TRACE_PARTS.name}"  # noqa: S608 (as above)
"""A query for those others, of which a condition on columns of `trace_parts` may follow. Rows may repeat."""
STARTS = f"""
    SELECT trace_no, start_unix_ns, error_count, last_ingested_unix_ns, is_batch FROM {TRACE_ROWS.name}
    UNION ALL {starts(TRACE_PARTS.name)}
"""  # noqa: S608 (as above)
"""A query for a few columns of `traces`, which sums up all of it."""
ENTRY_COUNTS = f"""
    SELECT minute_unix_s, n FROM (FROM {ENTRY_MINUTE_ROWS.name} UNION ALL FROM {ENTRY_MINUTE_PARTS.name})
    WHERE NOT is_client
    UNION ALL SELECT start_unix_ns // 60000000000 * 60, 1 FROM ({starts(TRACE_PARTS.name)}) WHERE NOT is_batch
"""  # noqa: S608 (as above)
"""The same of `entry_minutes`, of the side `server`."""
MINUTES_ONCE = (
    f"CREATE TEMP TABLE {_MINUTES_ONCE} AS {_MINUTES_OF_PARTS}",
    ENTRY_MINUTES.temporary(_entry_minutes(f"FROM {_MINUTES_ONCE}")),
)
"""For one connection, in a transaction: sum up once what is not folded, for all queries of `entry_minutes`."""
TRACES_ONCE = (
    f"CREATE TEMP TABLE {_SUMMED_ONCE} AS SELECT {_SHOWN} FROM ({summed_at_once(TRACE_PARTS.name)})",  # noqa: S608
    TRACES.temporary(_traces(f"FROM {_SUMMED_ONCE}")),
)
"""The same for all queries of `traces`."""
MINUTES_OF_TRACES_ONCE = (
    f"CREATE TEMP TABLE {_MINUTES_ONCE} AS {entry_minutes(_SUMMED_ONCE)}",
    ENTRY_MINUTES.temporary(_entry_minutes(f"FROM {_MINUTES_ONCE}")),
)
"""As `MINUTES_ONCE`, after `TRACES_ONCE`."""
