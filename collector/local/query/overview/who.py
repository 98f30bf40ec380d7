"""Which platforms, regions, versions and operations were seen in a range: what the choices of a page are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from duckdb import DuckDBPyConnection

from collector.local.query.model import Sample
from collector.local.query.overview.asked import NS, Asked
from collector.local.query.overview.lost import lost_beginnings
from collector.local.store.views import STARTS

MOST = 200
"""Values of each."""


@dataclass(frozen=True)
class Choice:
    """One value, and how many requests had it."""

    value: str
    count: int


@dataclass(frozen=True)
class OperationChoice:
    """One entry point."""

    value: str
    service: str
    count: int


@dataclass(frozen=True)
class Who:
    """The values seen, the most frequent first. What is chosen for one list does not shorten that list itself."""

    platforms: Sequence[Choice]
    regions: Sequence[Choice]
    versions: Sequence[Choice]
    """Such as `clip_encoder 2.0.0`."""
    operations: Sequence[OperationChoice]
    left_out: int
    """Values that are too long for a choice."""
    first_unix_s: float | None
    """When the first trace in the store began, whatever the range; None: there is none."""
    last_unix_s: float | None
    """When the last one began; a trace with a time after its arrival does not count."""
    sample: Sample | None
    """The traces that a filter was asked of, if not all: counts are of these."""


_VALUES = """
SELECT value, sum(n)::BIGINT AS number FROM (SELECT {column} AS value, n FROM ({entries}) WHERE side = 'server')
WHERE value <> '' GROUP BY value HAVING number > 0 ORDER BY number DESC, value LIMIT {most}"""
_OPERATIONS = """
SELECT entry_operation, entry_service, sum(n)::BIGINT AS number FROM ({entries}) WHERE side = 'server'
GROUP BY entry_operation, entry_service HAVING number > 0 ORDER BY number DESC, 1, 2 LIMIT {most}"""
AHEAD_NS = 300 * NS
"""A trace that began so long after it arrived has the time of a wrong clock."""
BEHIND_NS = 86_400 * NS
"""And one that began so long before, if others did not."""
_LIMITS = f"""
SELECT coalesce(min(start_unix_ns) FILTER (start_unix_ns >= last_ingested_unix_ns - {BEHIND_NS}), min(start_unix_ns)),
       coalesce(max(start_unix_ns) FILTER (start_unix_ns <= last_ingested_unix_ns + {AHEAD_NS}), max(start_unix_ns))
FROM ({STARTS}) WHERE start_unix_ns > 0"""  # noqa: S608 (our own number)


def who(connection: DuckDBPyConnection, asked: Asked) -> Who:
    """The values seen in the range.

    Args:
        connection: to the store.
        asked: the range and the filters.
    """

    def entries(**without: None) -> tuple[str, list[object]]:
        return replace(asked, wanted=replace(asked.wanted, **without)).entries()  # type: ignore[arg-type]

    def values(column: str, **without: None) -> list[Choice]:
        relation, parameters = entries(**without)
        sql = _VALUES.format(column=column, entries=relation, most=MOST)
        return [Choice(*row) for row in connection.execute(sql, parameters).fetchall()]

    relation, parameters = entries(operation=None, service=None)
    operations = connection.execute(_OPERATIONS.format(entries=relation, most=MOST), parameters).fetchall()
    lost = lost_beginnings(connection, asked, (((service, name), count) for name, service, count in operations))
    first, last = connection.execute(_LIMITS).fetchone() or (None, None)
    return Who(
        platforms=values("platform", platform=None),
        regions=values("region", region=None),
        versions=values("unnest(string_split(versions, ', '))", version=None),
        operations=[OperationChoice(*row) for row in operations if (row[1], row[0]) not in lost],
        left_out=0,
        first_unix_s=None if first is None else first / NS,
        last_unix_s=None if last is None else last / NS,
        sample=asked.sample,
    )


def range_of_store(connection: DuckDBPyConnection) -> tuple[int, int]:
    """When the first and the last trace began, in Unix nanoseconds; zeros in an empty store.

    One wrong clock does not move the end of the store: what began after it arrived does not count.
    """
    first, last = connection.execute(_LIMITS).fetchone() or (0, 0)
    return int(first or 0), int(last or 0)
