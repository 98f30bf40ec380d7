"""The views of the store: what lists, charts and tables of many traces read instead of `spans`.

In: the tables of `schema.py`. Out: the statements that create the views. They are complete at any moment: a span that
is committed is in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.local.store.schema import Column
from telemetry import conventions as c


@dataclass(frozen=True)
class View:
    """One view, with the meaning of a row; `sql` is its query."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    sql: str

    def ddl(self) -> str:
        """The statement that creates the view, or replaces it."""
        columns = ", ".join(f'"{column.name}"' for column in self.columns)
        return f'CREATE OR REPLACE VIEW "{self.name}" ({columns}) AS {self.sql}'


def bucket(duration: str) -> str:
    """SQL for the bucket of a duration in nanoseconds: 8 in each doubling, so that percentiles are within 5 %."""
    return f"floor(8 * log2(CASE WHEN {duration} < 1 THEN 1 ELSE {duration} END))::INTEGER"


def _attribute(name: str, of: str = "spans") -> str:
    """SQL for an attribute as text; NULL if there is none."""
    return f"json_extract_string({of}.attributes, '/{name}')"


_FACTS = f"""
    SELECT spans.*, coalesce(nullif(start_unix_ns, 0), end_unix_ns) AS began,
        CASE WHEN start_unix_ns > 0 AND end_unix_ns >= start_unix_ns THEN end_unix_ns - start_unix_ns END AS took,
        spans.service || ' ' || {_attribute(c.SERVICE_VERSION.name, "resources")} AS version,
        {_attribute(c.SEARCH_OPERATION.name)} AS search_operation,
        {_attribute(c.CLIENT_PLATFORM.name)} AS platform, {_attribute(c.CLIENT_REGION.name)} AS region,
        coalesce({_attribute(c.SEARCH_OUTCOME.name)}, CASE WHEN status = 'error' THEN 'error' ELSE 'ok' END) AS outcome,
        try_cast({_attribute(c.LEN_DOCS.name)} AS BIGINT) AS len_docs,
        try_cast({_attribute(c.SEARCH_HITS.name)} AS BIGINT) AS hits,
        CASE WHEN {_attribute(c.SEARCH_ENTRY.name)} IS DISTINCT FROM 'true' THEN 2 WHEN kind = 'server' THEN 1 ELSE 0
        END AS entry_rank,
        coalesce({_attribute(c.RPC_SYSTEM_NAME.name)}, {_attribute(c.RPC_SYSTEM.name)},
                 {_attribute(c.RPC_METHOD.name)}) IS NOT NULL AS is_rpc
    FROM spans LEFT JOIN resources USING (resource_id)
"""  # noqa: S608 (our own names)

_TRACES = f"""
WITH facts AS ({_FACTS}), summed AS (
    SELECT trace_id, coalesce(min(nullif(began, 0)), 0) AS start, max(greatest(start_unix_ns, end_unix_ns)) AS stop,
        arg_min((service, name, kind, took, span_id), (parent_span_id IS NOT NULL, began, span_id)) AS root,
        arg_min((service, name, took, outcome, len_docs), (entry_rank, parent_span_id IS NOT NULL, began, span_id))
            AS entry,
        arg_min((parent_span_id, took), (began, span_id)) FILTER (kind = 'server') AS server,
        count(*) AS span_count, count_if(status = 'error') AS error_count, count_if(end_unix_ns = 0) AS open_count,
        count_if(start_unix_ns = 0 OR (end_unix_ns <> 0 AND end_unix_ns < start_unix_ns)) AS untimed_count,
        bool_or(parent_span_id IS NULL AND name = '{c.BATCH.name}') AS is_batch,
        min(search_operation) AS search_operation, min(platform) AS platform, min(region) AS region,
        coalesce(array_to_string(list_sort(list(DISTINCT version)), ', '), '') AS versions,
        max(hits) AS hits, max(ingested_unix_ns) AS last_ingested
    FROM facts GROUP BY trace_id
)
SELECT trace_id, row_number() OVER (ORDER BY trace_id), root[1], root[2], root[3], start, stop - start,
    span_count, error_count, open_count, untimed_count, is_batch, entry[1], entry[2], entry[3],
    CASE WHEN root[3] = 'client' THEN root[4] END, search_operation, platform, region, versions, entry[4],
    entry[5], hits,
    CASE WHEN root[3] = 'client' AND server[1] = root[5] THEN greatest(0, root[4] - server[2]) END, last_ingested
FROM summed
"""  # noqa: S608 (as above)

_MINUTE = "({} // 60000000000) * 60"

_ENTRY_MINUTES = f"""
SELECT {_MINUTE.format("start_unix_ns")}, entry_service, entry_operation, search_operation, platform, region, versions,
    outcome, coalesce(len_docs = 0, false), side, {bucket("took")}, count(*), coalesce(sum(took), 0)::BIGINT
FROM (
    SELECT *, 'server' AS side, entry_duration_ns AS took FROM traces
    UNION ALL SELECT *, 'client', client_duration_ns FROM traces WHERE root_kind = 'client'
) WHERE NOT is_batch GROUP BY ALL
"""  # noqa: S608 (as above)

_SPAN_MINUTES = f"""
WITH facts AS ({_FACTS})
SELECT {_MINUTE.format("began")}, service, coalesce(version, ''), name, kind, is_rpc, search_operation,
    status = 'error', {bucket("took")}, count(*), coalesce(sum(took), 0)::BIGINT
FROM facts GROUP BY ALL
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
        Column("client_duration_ns", "BIGINT", "duration of the root if that is a CLIENT span; else NULL"),
        _SEARCH_OPERATION,
        _PLATFORM,
        _REGION,
        _VERSIONS,
        _OUTCOME,
        Column("len_docs", "BIGINT", "`len_docs` of the entry; NULL if it has none"),
        Column("hits", "BIGINT", "the most `search.hits` of a span; NULL: not a search"),
        Column("transit_ns", "BIGINT", "the root CLIENT span without its SERVER child; NULL if it does not begin so"),
        Column("last_ingested_unix_ns", "BIGINT", "when its last span was written, by the collector's clock"),
    ),
    _TRACES,
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
            "side", "VARCHAR", "server: all traces, by the entry's duration; client: those with a CLIENT root, by its"
        ),
        _BUCKET,
        _N,
        _TOTAL,
    ),
    _ENTRY_MINUTES,
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

VIEWS = (TRACES, ENTRY_MINUTES, SPAN_MINUTES)
"""In this order: the second reads the first."""
