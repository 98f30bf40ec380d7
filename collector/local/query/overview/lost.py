"""Which operations look like entries only because the beginning of their traces is missing.

Until the spans of a caller arrive, or if they were lost, the first span of a trace that is known is one of its inner
ones. In: entries that were counted. Out: those that nearly always are inner spans.
"""

from collections.abc import Iterable

from duckdb import DuckDBPyConnection

from collector.local.query.overview.asked import NS, Asked

SELDOM = 0.1
"""A span that is the entry of fewer of its requests than this is an inner one."""

_SHARES = """
WITH operations AS (SELECT unnest(?::VARCHAR[]) AS service, unnest(?::VARCHAR[]) AS operation),
entered AS (
    SELECT entry_service AS service, entry_operation AS operation, sum(n) AS n FROM entry_minutes
    WHERE side = 'server' AND minute_unix_s BETWEEN ? AND ?
      AND (entry_service, entry_operation) IN (SELECT (service, operation) FROM operations) GROUP BY ALL
), spans AS (
    SELECT service, operation, sum(n) AS n FROM span_minutes
    WHERE minute_unix_s BETWEEN ? AND ? AND kind <> 'client'
      AND (service, operation) IN (SELECT (service, operation) FROM operations) GROUP BY ALL
)
SELECT service, operation FROM entered JOIN spans USING (service, operation) WHERE entered.n < ? * spans.n
"""


def lost_beginnings(
    connection: DuckDBPyConnection, asked: Asked, counts: Iterable[tuple[tuple[str, str], int]]
) -> set[tuple[str, str]]:
    """The service and operation of those among some entries that nearly always are inner spans.

    Args:
        connection: to the store.
        asked: the range.
        counts: the requests of each entry; only those with few of all requests are looked up.
    """
    found = list(counts)
    most = SELDOM * sum(count for _, count in found)
    few = sorted({key for key, count in found if count < most})
    if not few:
        return set()
    services, operations = [service for service, _ in few], [operation for _, operation in few]
    minutes = [asked.first_minute, asked.wanted.until_ns // NS]
    rows = connection.execute(_SHARES, [services, operations, *minutes, *minutes, SELDOM]).fetchall()
    return {(str(service), str(operation)) for service, operation in rows}
