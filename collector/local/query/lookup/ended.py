"""Lists traces in the order in which they end, for `--follow`.

A trace has ended a moment after its root arrived with its end; in that moment the spans of other processes arrive. A
trace whose root never arrives (its caller is not instrumented) has ended when all of its spans have, and none arrived
for longer. Both times are of the arrival, by the collector's clock, and never later than what is already stored, so
that no trace is skipped.
"""

from duckdb import DuckDBPyConnection

from collector.local.query.cursor import decode, encode
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.listing import rows_of
from collector.local.query.model import Arrivals, TraceRow

SETTLED_NS = 500_000_000
"""After its root: our exporter sends within 250 ms."""
ROOTLESS_NS = 3_000_000_000
"""After the last span of a trace without a root."""

_ENDED = """
SELECT trace_id FROM (
    SELECT trace_id, min(ingested_unix_ns) FILTER (parent_span_id IS NULL AND end_unix_ns <> 0) AS rooted,
           max(ingested_unix_ns) AS last, count(DISTINCT span_id) FILTER (end_unix_ns <> 0) AS ended,
           count(DISTINCT span_id) AS begun
    FROM spans WHERE trace_no IN (SELECT trace_no FROM span_facts WHERE ingested_unix_ns > ?) GROUP BY trace_id)
WHERE (rooted > ? AND rooted <= ?) OR (rooted IS NULL AND ended = begun AND last > ? AND last <= ?)
"""


def ended_traces(
    connection: DuckDBPyConnection, wanted: TraceFilter, after: str | None, now_unix_ns: int, limit: int
) -> Arrivals[TraceRow]:
    """The traces that ended since the last call, latest first, and the cursor for the next call.

    Args:
        connection: to the store.
        wanted: the filter.
        after: the cursor of the previous call; None: all traces that have ended.
        now_unix_ns: by the collector's clock.
        limit: rows at most.
    """
    rooted, rootless = decode(after, int, int, name="after") if after else (-1, -1)
    newest = connection.execute("SELECT max(ingested_unix_ns) FROM span_facts").fetchone()
    stored = -1 if newest is None or newest[0] is None else int(newest[0])
    until = (max(rooted, min(stored, now_unix_ns - SETTLED_NS)), max(rootless, min(stored, now_unix_ns - ROOTLESS_NS)))
    window = [min(rooted, rootless), rooted, until[0], rootless, until[1]]
    ids = [row[0] for row in connection.execute(_ENDED, window).fetchall()] if until != (rooted, rootless) else []
    return Arrivals(rows_of(connection, ids, wanted, limit) if ids else [], encode(*until))
