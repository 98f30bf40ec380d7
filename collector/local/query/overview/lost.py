"""Which operations look like entries only because the beginning of their traces is missing.

Until the spans of a caller arrive, or if they were lost, the first span of a trace that is known is one of its inner
ones. In: entries that were counted. Out: those that nearly always are inner spans.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.overview.asked import NS, Asked

SELDOM = 0.1
"""A span that is the entry of fewer of its requests than this is an inner one."""

_OF = "(service, operation) IN (SELECT (unnest(?::VARCHAR[]), unnest(?::VARCHAR[])))"
_ENTERED = f"""
SELECT service, operation, sum(n)::BIGINT FROM (
    SELECT entry_service AS service, entry_operation AS operation, n FROM entry_minutes
    WHERE side = 'server' AND minute_unix_s BETWEEN ? AND ?
) WHERE {_OF} GROUP BY ALL
"""  # noqa: S608 (our own names)
_SPANS = f"""
SELECT service, operation, sum(n)::BIGINT FROM span_minutes
WHERE minute_unix_s BETWEEN ? AND ? AND kind <> 'client' AND {_OF} GROUP BY ALL
"""  # noqa: S608 (as above)


def lost_beginnings(
    connection: DuckDBPyConnection, asked: Asked, counts: Iterable[tuple[tuple[str, str], int]]
) -> set[tuple[str, str]]:
    """The service and operation of those among some entries that nearly always are inner spans.

    Args:
        connection: to the store.
        asked: the range.
        counts: the requests of each entry, which may come several times; only those with few of all are looked up.
    """
    found = list(counts)
    entered: Counter[tuple[str, str]] = Counter()
    for key, count in found:
        entered[key] += count
    few = sorted({key for key, count in found if count < SELDOM * entered.total()})
    if not few:
        return set()
    values = [asked.first_minute, asked.wanted.until_ns // NS, *(list(names) for names in zip(*few, strict=True))]
    if not (asked.by_minute and asked.of_everyone):
        entered = Counter(_counts(connection, _ENTERED, values))
    spans = _counts(connection, _SPANS, values)
    return {key for key in few if key in entered and entered[key] < SELDOM * spans.get(key, 0)}


def _counts(connection: DuckDBPyConnection, sql: str, values: list[Any]) -> dict[tuple[str, str], int]:
    return {(service, operation): int(n) for service, operation, n in connection.execute(sql, values).fetchall()}
