"""Folds the parts of traces into summaries, and counts of minutes into fewer rows.

In: a cursor of the writing thread, in a transaction. Out: rows moved from one table to another; what the views show
stays the same. State: none.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from collector.local.store.schema import Table
from collector.local.store.spans.tables import (
    ENTRY_MINUTE_PARTS,
    ENTRY_MINUTE_ROWS,
    OPERATIONS,
    SPAN_MINUTE_PARTS,
    SPAN_MINUTE_ROWS,
    SPAN_ROWS,
    TRACE_PARTS,
    TRACE_ROWS,
)

_CLIENT = "'client'"
_LEAST = "(-9223372036854775807 - 1)"
_ONLY_OF_PARTS = "root_id, server_key, server_parent, server_ns"
"""Ids and times of two spans take much room: `unfold` reads them again from `span_rows`."""
_ENTRY_MINUTE = ", ".join(column.name for column in ENTRY_MINUTE_ROWS.columns[:-2])
_SPAN_MINUTE = ", ".join(column.name for column in SPAN_MINUTE_ROWS.columns[:-2])


def bucket(duration: str) -> str:
    """SQL for the bucket of a duration in nanoseconds: 8 in each doubling, so that percentiles are within 5 %."""
    return f"floor(8 * log2(CASE WHEN {duration} < 1 THEN 1 ELSE {duration} END))::INTEGER"


def id_key(trace_id: str) -> str:
    """SQL for the number by which an id is found."""
    return f"('0x' || {trace_id}[:8])::UINTEGER"


def _known(column: str) -> str:
    """SQL for a column in which the least number means NULL."""
    return f"CASE WHEN {column} <> {_LEAST} THEN {column} END"


def began(key: str) -> str:
    """SQL for when a span began, from its key."""
    return f"({key} & 9223372036854775807)"


def _less(longer: str, shorter: str) -> str:
    """SQL for a duration without another in it; 0 if that is longer, NULL if one is not known."""
    return f"CASE WHEN {longer} < {shorter} THEN 0 ELSE {longer} - {shorter} END"


_VERSIONS = "array_to_string(list_sort(list_distinct(string_split(versions, ', '))), ', ')"


def summed_at_once(parts: str) -> str:
    """As `summed`, for who reads all columns: versions are put in order once for each text, and not for each trace."""
    return f"""
    WITH unordered AS MATERIALIZED ({summed(parts, "versions")}),
    ordered AS (
        SELECT versions, {_VERSIONS} AS names FROM (SELECT DISTINCT versions FROM unordered WHERE versions <> '')
    )
    SELECT unordered.* REPLACE (coalesce(names, '') AS versions) FROM unordered LEFT JOIN ordered USING (versions)
    """  # noqa: S608 (our own names)


def summed(parts: str, versions: str = _VERSIONS) -> str:
    """A query with the columns of `trace_rows` and `_ONLY_OF_PARTS`, one row for each trace with a part among `parts`.

    Args:
        parts: a table, or a query in parentheses.
        versions: SQL for those of a trace, of those of its parts with ', ' between them.
    """
    return f"""
    SELECT trace_no, trace_id, {id_key("trace_id")} AS id_key, r.service AS root_service, r.name AS root_operation,
        r.kind AS root_kind,
        start AS start_unix_ns, stop - start AS duration_ns, span_count, error_count, open_count, untimed_count,
        is_batch, e.service AS entry_service, e.name AS entry_operation,
        CASE WHEN entry_key IS NULL THEN root.ns ELSE entry.ns END AS entry_duration_ns,
        CASE WHEN r.kind = 'client' THEN stop - start - root.ns END AS client_less_ns,
        grouped.search_operation, platform, region,
        CASE WHEN versions IS NULL THEN '' ELSE {versions} END AS versions,
        CASE WHEN entry_key IS NULL THEN root.outcome ELSE entry.outcome END AS outcome,
        CASE WHEN entry_key IS NULL THEN root.len_docs ELSE entry.len_docs END AS len_docs, hits,
        CASE WHEN r.kind = 'client' AND server.parent = root.id THEN {_less("root.ns", "server.ns")} END AS transit_ns,
        last_ingested AS last_ingested_unix_ns,
        {began("root.key")} - start AS root_later_ns, root.key >= 0 AS root_is_orphan,
        {began("entry_key")} - start AS entry_later_ns, entry_key < 0 AS entry_is_endpoint,
        root.id AS root_id, server.key AS server_key, server.parent AS server_parent, server.ns AS server_ns
    FROM (
        SELECT trace_no, first(trace_id) AS trace_id,
            coalesce(min({_known("start_unix_ns")}), 0) AS start, max(stop_unix_ns) AS stop,
            sum(span_count)::INTEGER AS span_count, sum(error_count)::INTEGER AS error_count,
            sum(open_count)::INTEGER AS open_count, sum(untimed_count)::INTEGER AS untimed_count,
            bool_or(is_batch) AS is_batch,
            min({{'key': root_key, 'id': root_id, 'no': root_operation_no, 'ns': {_known("root_ns")},
                  'outcome': root_outcome, 'len_docs': {_known("root_len_docs")}}}) AS root,
            min({_known("entry_key")}) AS entry_key,
            arg_min({{'no': entry_operation_no, 'ns': {_known("entry_ns")}, 'outcome': entry_outcome,
                      'len_docs': {_known("entry_len_docs")}}}, {_known("entry_key")}) AS entry,
            min({{'key': server_key, 'parent': server_parent, 'ns': {_known("server_ns")}}})
                FILTER (server_key <> {_LEAST}) AS server,
            min(search_operation) AS search_operation, min(platform) AS platform, min(region) AS region,
            max({_known("hits")}) AS hits, max(last_ingested_unix_ns) AS last_ingested,
            string_agg(versions, ', ') FILTER (versions <> '') AS versions
        FROM {parts} GROUP BY trace_no
    ) AS grouped JOIN operations AS r ON r.operation_no = root.no
    JOIN operations AS e ON e.operation_no = CASE WHEN entry_key IS NULL THEN root.no ELSE entry.no END
    """  # noqa: S608 (our own names)


def starts(parts: str) -> str:
    """A query for a few columns of `summed`, without the joins."""
    return f"""
    SELECT trace_no, coalesce(min({_known("start_unix_ns")}), 0) AS start_unix_ns, sum(error_count) AS error_count,
        max(last_ingested_unix_ns) AS last_ingested_unix_ns, bool_or(is_batch) AS is_batch
    FROM {parts} GROUP BY trace_no
    """  # noqa: S608 (our own names)


def entry_minutes(traces: str, count: int = 1) -> str:
    """A query with the columns of `entry_minute_rows`: the minutes of rows like those of `trace_rows`."""
    return f"""
    SELECT start_unix_ns // 60000000000 * 60 AS minute_unix_s, entry_service, entry_operation, search_operation,
        platform, region, versions, outcome, coalesce(len_docs = 0, false) AS is_empty, side.is_client AS is_client,
        coalesce({bucket("side.took")}, -1) AS bucket, {count} * count(*) AS n,
        {count} * coalesce(sum(side.took), 0)::BIGINT AS total_ns
    FROM (
        SELECT *, unnest([{{'is_client': false, 'took': entry_duration_ns}},
                          {{'is_client': true, 'took': duration_ns - client_less_ns}}]) AS side
        FROM {traces} WHERE NOT is_batch
    ) WHERE NOT side.is_client OR root_kind = {_CLIENT} OR client_less_ns IS NOT NULL GROUP BY ALL"""  # noqa: S608 (as above)


def fold(cursor: duckdb.DuckDBPyConnection, before_generation: int, before_minute: int) -> list[int]:
    """Fold the traces whose parts are all older than a generation, and the minutes that are over.

    Args:
        cursor: in a transaction.
        before_generation: of parts.
        before_minute: counts of earlier minutes are moved to those that are over.

    Returns:
        The traces that are folded now.
    """
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE quiet AS SELECT trace_no FROM {TRACE_PARTS.name} "  # noqa: S608
        "GROUP BY trace_no HAVING max(generation) < ?",
        [before_generation],
    )
    folded = [int(row[0]) for row in cursor.execute("SELECT trace_no FROM quiet").fetchall()]
    if folded:
        parts = f"(SELECT * FROM {TRACE_PARTS.name} WHERE trace_no IN (SELECT trace_no FROM quiet))"  # noqa: S608
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE folding AS FROM ({summed_at_once(parts)}) ORDER BY trace_no")
        _find_clients(cursor)
        cursor.execute(f"INSERT INTO {TRACE_ROWS.name} SELECT * EXCLUDE ({_ONLY_OF_PARTS}) FROM folding")  # noqa: S608
        cursor.execute(f"INSERT INTO {ENTRY_MINUTE_PARTS.name} {entry_minutes('folding')}")
        cursor.execute(f"DELETE FROM {TRACE_PARTS.name} WHERE trace_no IN (SELECT trace_no FROM quiet)")  # noqa: S608
        cursor.execute("DROP TABLE folding")
    _add_up(cursor, ENTRY_MINUTE_PARTS, ENTRY_MINUTE_ROWS, _ENTRY_MINUTE, before_minute)
    _add_up(cursor, SPAN_MINUTE_PARTS, SPAN_MINUTE_ROWS, _SPAN_MINUTE, before_minute)
    return folded


def _find_clients(cursor: duckdb.DuckDBPyConnection) -> None:
    """Give the traces in `folding` that do not begin with a call, but whose entry is in one, the times of that call.

    It is the CLIENT span above the first SERVER span, as in a browser: click, CLIENT, SERVER with the entry in it.
    """
    cursor.execute(f"""
        CREATE OR REPLACE TEMP TABLE calling AS SELECT trace_no, server_parent, server_ns FROM folding
        WHERE root_kind <> {_CLIENT} AND NOT root_is_orphan AND server_parent <> 0
          AND start_unix_ns + entry_later_ns >= server_key""")  # noqa: S608 (our own names)
    first, last = cursor.execute("SELECT min(trace_no), max(trace_no) FROM calling").fetchone() or (None, None)
    if first is not None:
        cursor.execute(
            f"""
            UPDATE folding SET client_less_ns = duration_ns - lasted_ns,
                transit_ns = {_less("lasted_ns", "calling.server_ns")}
            FROM calling JOIN {SPAN_ROWS.name} AS call
                ON call.trace_no = calling.trace_no AND call.span_id = calling.server_parent
            WHERE folding.trace_no = calling.trace_no AND call.trace_no BETWEEN ? AND ?
              AND operation_no IN (SELECT operation_no FROM {OPERATIONS.name} WHERE kind = {_CLIENT})
              AND call.start_unix_ns > 0 AND lasted_ns >= 0""",  # noqa: S608 (our own names)
            [first, last],
        )
    cursor.execute("DROP TABLE calling")


def unfold(cursor: duckdb.DuckDBPyConnection, traces: Sequence[int]) -> None:
    """Turn the summaries of traces back into parts: a late span has come.

    Args:
        cursor: in a transaction.
        traces: numbers of folded traces.
    """
    cursor.execute("CREATE OR REPLACE TEMP TABLE late AS SELECT unnest(?::BIGINT[]) AS trace_no", [list(traces)])
    among = f"(SELECT * FROM {TRACE_ROWS.name} WHERE trace_no IN (SELECT trace_no FROM late))"  # noqa: S608
    cursor.execute(f"INSERT INTO {ENTRY_MINUTE_PARTS.name} {entry_minutes(among, -1)}")

    def known(column: str) -> str:
        return f"coalesce({column}, {_LEAST})"

    operation = "(SELECT service, name, kind, min(operation_no) AS no FROM operations GROUP BY ALL)"
    cursor.execute(f"""
        INSERT INTO {TRACE_PARTS.name}
        SELECT trace_no, trace_id, 0, CASE WHEN start_unix_ns = 0 THEN {_LEAST} ELSE start_unix_ns END,
            start_unix_ns + duration_ns, span_count, error_count, open_count, untimed_count, is_batch,
            start_unix_ns + root_later_ns + CASE WHEN root_is_orphan THEN 0 ELSE {_LEAST} END, root.id, r.no,
            {known(f"CASE WHEN root_kind = {_CLIENT} THEN duration_ns - client_less_ns ELSE entry_duration_ns END")},
            outcome, {known("len_docs")},
            {known(f"start_unix_ns + entry_later_ns + CASE WHEN entry_is_endpoint THEN {_LEAST} ELSE 0 END")}, e.no,
            {known("entry_duration_ns")}, outcome, {known("len_docs")}, {known("server.key")},
            coalesce(server.parent, 0), {known("server.ns")}, search_operation, platform, region, versions,
            {known("hits")}, last_ingested_unix_ns
        FROM {among} AS t JOIN ({_ends_of("late")}) AS ends USING (trace_no)
        JOIN {operation} AS r ON (r.service, r.name, r.kind) = (root_service, root_operation, root_kind)
        JOIN (SELECT service, name, min(no) AS no FROM {operation} GROUP BY ALL) AS e
            ON (e.service, e.name) = (entry_service, entry_operation)
        """)  # noqa: S608 (our own names)
    cursor.execute(f"DELETE FROM {TRACE_ROWS.name} WHERE trace_no IN (SELECT trace_no FROM late)")  # noqa: S608
    cursor.execute("DROP TABLE late")


def _ends_of(traces: str) -> str:
    """A query for the root and the first SERVER span of each trace, as `summed` chooses them among parts."""
    return f"""
    SELECT trace_no, min({{'has_parent': parent_span_id <> 0, 'began': began, 'id': span_id}}) AS root,
        min({{'key': began, 'parent': parent_span_id,
              'ns': CASE WHEN start_unix_ns > 0 AND lasted_ns >= 0 THEN lasted_ns END}}) FILTER (is_server) AS server
    FROM (
        SELECT *, CASE WHEN start_unix_ns = 0 THEN lasted_ns ELSE start_unix_ns END AS began,
            operation_no IN (SELECT operation_no FROM {OPERATIONS.name} WHERE kind = 'server') AS is_server
        FROM {SPAN_ROWS.name} WHERE trace_no IN (SELECT trace_no FROM {traces})
    ) GROUP BY trace_no"""  # noqa: S608 (our own names)


def _add_up(
    cursor: duckdb.DuckDBPyConnection, parts: Table, rows: Table, key: str, before_minute: int | None = None
) -> None:
    """Add up the parts with the same key, and move those of minutes that are over."""
    if not cursor.execute(f"SELECT 1 FROM {parts.name} LIMIT 1").fetchone():  # noqa: S608 (our names)
        return
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE adding AS SELECT {key}, sum(n)::BIGINT AS n, "  # noqa: S608
        f"sum(total_ns)::BIGINT AS total_ns FROM {parts.name} GROUP BY ALL HAVING sum(n) <> 0 OR sum(total_ns) <> 0 "
        f"ORDER BY {key}"
    )
    cursor.execute(f"DELETE FROM {parts.name}")  # noqa: S608
    cursor.execute(f"INSERT INTO {rows.name} FROM adding WHERE minute_unix_s < ?", [before_minute])
    cursor.execute(f"INSERT INTO {parts.name} FROM adding WHERE minute_unix_s >= ?", [before_minute])
    cursor.execute("DROP TABLE adding")


def subtract(cursor: duckdb.DuckDBPyConnection, going: str) -> None:
    """Take traces that are about to be deleted out of the minutes.

    Args:
        cursor: in a transaction.
        going: a table with their `trace_no`.
    """
    among = f"trace_no IN (SELECT trace_no FROM {going})"  # noqa: S608 (our names)
    _take_out(cursor, ENTRY_MINUTE_ROWS, _ENTRY_MINUTE,
              entry_minutes(f"(SELECT * FROM {TRACE_ROWS.name} WHERE {among})", -1))  # fmt: skip  # noqa: S608
    _take_out(cursor, SPAN_MINUTE_ROWS, _SPAN_MINUTE, f"""
        SELECT began // 60000000000 * 60 AS minute_unix_s, operation_no, status = 2 AS is_error,
            coalesce({bucket("took")}, -1) AS bucket, -count(*) AS n, -coalesce(sum(took), 0)::BIGINT AS total_ns
        FROM (SELECT *, CASE WHEN start_unix_ns = 0 THEN lasted_ns ELSE start_unix_ns END AS began,
                     CASE WHEN start_unix_ns > 0 AND lasted_ns >= 0 THEN lasted_ns END AS took
              FROM span_rows WHERE {among}) GROUP BY ALL""")  # fmt: skip  # noqa: S608


def _take_out(cursor: duckdb.DuckDBPyConnection, rows: Table, key: str, negative: str) -> None:
    """Add up the rows of the minutes in which something is taken out, so that nothing is left of what is gone."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE taking AS {negative}")
    touched = "minute_unix_s IN (SELECT minute_unix_s FROM taking)"
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE adding AS SELECT {key}, sum(n)::BIGINT AS n, "  # noqa: S608
        f"sum(total_ns)::BIGINT AS total_ns FROM (FROM taking UNION ALL FROM {rows.name} WHERE {touched}) "
        f"GROUP BY ALL HAVING sum(n) <> 0 OR sum(total_ns) <> 0 ORDER BY {key}"
    )
    cursor.execute(f"DELETE FROM {rows.name} WHERE {touched}")  # noqa: S608
    cursor.execute(f"INSERT INTO {rows.name} FROM adding")
    cursor.execute("DROP TABLE adding")
    cursor.execute("DROP TABLE taking")
