"""What is in the store: services, their operations, and how much of each signal."""

from duckdb import DuckDBPyConnection

from collector.local.query.cursor import decode, encode
from collector.local.query.lookup.filters import FIRST
from collector.local.query.model import OperationRow, Page, ServiceRow, StoreStats

_SERVICES = f"""
SELECT service, count(*), count_if(status = 'error'), count(DISTINCT (name, kind)), {FIRST},
       max(greatest(start_unix_ns, end_unix_ns))
FROM span_facts WHERE ? IS NULL OR service > ? GROUP BY service ORDER BY service LIMIT ?
"""  # noqa: S608 (our own expression)

_OPERATIONS = f"""
WITH timed AS (
    SELECT *, greatest(start_unix_ns, end_unix_ns) AS stop FROM span_facts
    WHERE (? IS NULL OR service = ?) AND (? IS NULL OR (service, name, kind) > (?, ?, ?))
)
SELECT service, name, kind, count(*),
       count(*) * 1e9 / greatest(max(stop) - {FIRST}, 1000000000),
       count_if(status = 'error') / count(*),
       quantile_disc(stop - start_unix_ns, [0.5, 0.95, 0.99])
           FILTER (0 < start_unix_ns AND start_unix_ns <= end_unix_ns)
FROM timed GROUP BY service, name, kind ORDER BY service, name, kind LIMIT ?
"""  # noqa: S608 (our own expression)

_COUNTS = """
SELECT (SELECT count(*) FROM trace_ids), (SELECT count(*) FROM span_facts),
       (SELECT count(*) FROM metric_points), (SELECT count(*) FROM logs)
"""


def services(connection: DuckDBPyConnection, limit: int = 1000, before: str | None = None) -> Page[ServiceRow]:
    """All services that sent a span, by name."""
    (last,) = decode(before, str)
    found = connection.execute(_SERVICES, [last, last, limit + 1]).fetchall()
    rows = [ServiceRow(*row) for row in found[:limit]]
    return Page(rows, encode(rows[-1].service) if len(found) > limit else None)


def operations(
    connection: DuckDBPyConnection, service: str | None = None, limit: int = 1000, before: str | None = None
) -> Page[OperationRow]:
    """The operations of one service or of all, by service, name and kind; over all spans in the store."""
    last = decode(before, str, str, str)
    found = connection.execute(_OPERATIONS, [service, service, last[0], *last, limit + 1]).fetchall()
    rows = [OperationRow(*row[:6], *(row[6] or (None, None, None))) for row in found[:limit]]
    end = rows[-1] if len(found) > limit else None
    return Page(rows, encode(end.service, end.operation, end.kind) if end else None)


def store_stats(connection: DuckDBPyConnection) -> StoreStats:
    """How many records the store has now."""
    row = connection.execute(_COUNTS).fetchone()
    return StoreStats(*row) if row else StoreStats(0, 0, 0, 0)
