"""What the views of the store mean, in plain SQL over text: slow, and nothing in it is kept from before.

In: tables `spans` and `resources` with the columns of the schema. Out: views of the store's names and columns. Tests
compare the store with them, and queries can be asked of them.
"""

from __future__ import annotations

from collector.local.store.schema import (
    BATCHES,
    BY_SIGNAL,
    META,
    RESOURCES,
    SCOPES,
    SPAN_EVENTS,
    SPAN_LINKS,
    SPANS,
)
from collector.local.store.spans.tables import ATTRIBUTE_FILTERS
from collector.local.store.views import ENTRY_MINUTES, SPAN_FACTS, SPAN_MINUTES, TRACE_IDS, TRACES
from telemetry import conventions as c


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
        CASE WHEN {_attribute(c.SEARCH_OUTCOME.name)} IN ('ok', 'error', 'rejected', 'cancelled')
             THEN {_attribute(c.SEARCH_OUTCOME.name)} WHEN status = 'error' THEN 'error' ELSE 'ok' END AS outcome,
        try_cast({_attribute(c.LEN_DOCS.name)} AS BIGINT) AS len_docs,
        try_cast({_attribute(c.SEARCH_HITS.name)} AS BIGINT) AS hits,
        CASE WHEN {_attribute(c.SEARCH_ENTRY.name)} IS DISTINCT FROM 'true' THEN 2 WHEN kind = 'server' THEN 1 ELSE 0
        END AS entry_rank,
        coalesce({_attribute(c.RPC_SYSTEM_NAME.name)}, {_attribute(c.RPC_SYSTEM.name)},
                 {_attribute(c.RPC_METHOD.name)}) IS NOT NULL AS is_rpc
    FROM spans LEFT JOIN resources USING (resource_id)
"""

_WAY = """CASE WHEN root[3] <> 'client' THEN called.took - server[2]
              WHEN server[1] = root[5] THEN root[4] - server[2] END"""
_TRACES = f"""
WITH facts AS ({_FACTS}), summed AS (
    SELECT trace_id, min(trace_no) AS trace_no,
        coalesce(min(nullif(began, 0)), 0) AS start, max(greatest(start_unix_ns, end_unix_ns)) AS stop,
        arg_min((service, name, kind, took, span_id, parent_span_id IS NULL),
            (parent_span_id IS NOT NULL, began, span_id)) AS root,
        arg_min((service, name, took, outcome, len_docs, entry_rank < 2, began),
            (entry_rank, entry_rank = 2 AND parent_span_id IS NOT NULL, began, span_id)) AS entry,
        arg_min((parent_span_id, took, began), (began, coalesce(parent_span_id, ''), took))
            FILTER (kind = 'server') AS server,
        count(*) AS span_count, count_if(status = 'error') AS error_count, count_if(end_unix_ns = 0) AS open_count,
        count_if(start_unix_ns = 0 OR (end_unix_ns <> 0 AND end_unix_ns < start_unix_ns)) AS untimed_count,
        bool_or(parent_span_id IS NULL AND name = '{c.BATCH.name}') AS is_batch,
        min(search_operation) AS search_operation, min(platform) AS platform, min(region) AS region,
        coalesce(array_to_string(list_sort(list(DISTINCT version)), ', '), '') AS versions,
        max(hits) AS hits, max(ingested_unix_ns) AS last_ingested
    FROM facts GROUP BY trace_id
), called AS (
    SELECT trace_id, any_value(facts.took) AS took FROM facts JOIN summed USING (trace_id)
    WHERE facts.kind = 'client' AND facts.span_id = server[1] AND root[3] <> 'client' AND root[6] AND entry[6]
      AND entry[7] >= server[3] AND summed.trace_no NOT IN (SELECT trace_no FROM unfolded) GROUP BY trace_id
)
SELECT trace_id, trace_no, root[1], root[2], root[3], start, stop - start,
    span_count, error_count, open_count, untimed_count, is_batch, entry[1], entry[2], entry[3],
    CASE WHEN root[3] = 'client' THEN root[4] ELSE called.took END, search_operation, platform, region, versions,
    entry[4], entry[5], hits,
    CASE WHEN {_WAY} < 0 THEN 0 ELSE {_WAY} END, last_ingested
FROM summed LEFT JOIN called USING (trace_id)
"""

_MINUTE = "({} // 60000000000) * 60"

_ENTRY_MINUTES = f"""
SELECT {_MINUTE.format("start_unix_ns")}, entry_service, entry_operation, search_operation, platform, region, versions,
    outcome, coalesce(len_docs = 0, false), side, {bucket("took")}, count(*), coalesce(sum(took), 0)::BIGINT
FROM (
    SELECT *, 'server' AS side, entry_duration_ns AS took FROM traces
    UNION ALL SELECT *, 'client', client_duration_ns FROM traces
    WHERE root_kind = 'client' OR client_duration_ns IS NOT NULL
) WHERE NOT is_batch GROUP BY ALL
"""

_SPAN_MINUTES = f"""
WITH facts AS ({_FACTS})
SELECT {_MINUTE.format("began")}, service, coalesce(version, ''), name, kind, is_rpc, search_operation,
    status = 'error', {bucket("took")}, count(*), coalesce(sum(took), 0)::BIGINT
FROM facts GROUP BY ALL
"""


_TRACE_IDS = "SELECT DISTINCT trace_no, trace_id, try_cast('0x' || trace_id[:8] AS UINTEGER) FROM spans"
_SPAN_FACTS = f"""
WITH facts AS ({_FACTS})
SELECT trace_no, segment_no, service, name, kind, is_rpc, search_operation, status, start_unix_ns, end_unix_ns,
    parent_span_id IS NULL, attributes, resource_id, ingested_unix_ns, span_id, parent_span_id, scope_id
FROM facts
"""

TABLES = (META, BATCHES, RESOURCES, SCOPES, SPANS, SPAN_EVENTS, SPAN_LINKS, ATTRIBUTE_FILTERS, *BY_SIGNAL)
VIEWS = (
    "CREATE TABLE unfolded (trace_no BIGINT)",
    *(
        f'CREATE OR REPLACE VIEW "{view.name}" ({", ".join(column.name for column in view.columns)}) AS {sql}'
        for view, sql in (
            (TRACE_IDS, _TRACE_IDS),
            (SPAN_FACTS, _SPAN_FACTS),
            (TRACES, _TRACES),
            (ENTRY_MINUTES, _ENTRY_MINUTES),
            (SPAN_MINUTES, _SPAN_MINUTES),
        )
    ),
)
"""The statements; of traces in `unfolded`, which is empty, the store knows only clients at the root."""
