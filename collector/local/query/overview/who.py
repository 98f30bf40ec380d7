"""Which platforms, regions, versions and operations were seen in a range: what the choices of a page are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import of_traces
from collector.local.query.language.terms import Term
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


_SEEN = """
WITH seen AS MATERIALIZED (
    SELECT platform, region, versions, entry_operation, entry_service, sum(n)::BIGINT AS n FROM ({entries})
    WHERE side = 'server' GROUP BY ALL
)
{lists}"""
_LIST = f"""(
    SELECT {{number}}, value, service, sum(n)::BIGINT AS number
    FROM (SELECT {{value}} AS value, {{service}} AS service, n FROM seen WHERE {{condition}})
    WHERE {{shown}} GROUP BY ALL HAVING number > 0 ORDER BY number DESC, value, service LIMIT {MOST})"""  # noqa: S608 (our own)
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
    platforms, regions, versions, operations = _lists(connection, asked)
    lost = lost_beginnings(connection, asked, (((row.service, row.value), row.count) for row in operations))
    first, last = connection.execute(_LIMITS).fetchone() or (None, None)
    return Who(
        platforms=[Choice(row.value, row.count) for row in platforms],
        regions=[Choice(row.value, row.count) for row in regions],
        versions=[Choice(row.value, row.count) for row in versions],
        operations=[row for row in operations if (row.service, row.value) not in lost],
        left_out=0,
        first_unix_s=None if first is None else first / NS,
        last_unix_s=None if last is None else last / NS,
        sample=asked.sample,
    )


def _lists(connection: DuckDBPyConnection, asked: Asked) -> list[list[OperationChoice]]:
    """Platforms, regions, versions and operations; only the last ones have a service.

    One query sums up what all lists are made of; what is chosen for other lists is asked of these few rows.
    """
    wanted = asked.wanted
    chosen = [
        [Term("platform", "=", (wanted.platform,))] if wanted.platform is not None else [],
        [Term("region", "=", (wanted.region,))] if wanted.region is not None else [],
        [Term("version", "=", (wanted.version,))] if wanted.version is not None else [],
        [*wanted.entry],
    ]
    everyone = replace(wanted, platform=None, region=None, version=None, operation=None, service=None)
    entries, values = replace(asked, wanted=everyone).entries()
    parts = []
    for number, (value, service) in enumerate(_COLUMNS):
        others = [term for place, terms in enumerate(chosen) if place != number for term in terms]
        condition, parameters = of_traces(others)
        shown = "value <> ''" if service == "''" else "true"
        parts.append(_LIST.format(number=number, value=value, service=service, condition=condition, shown=shown))
        values += parameters
    found: list[list[OperationChoice]] = [[] for _ in _COLUMNS]
    sql = _SEEN.format(entries=entries, lists=" UNION ALL ".join(parts))
    for number, value, service, count in connection.execute(sql, values).fetchall():
        found[number].append(OperationChoice(value, service, count))
    for rows in found:
        rows.sort(key=lambda row: (-row.count, row.value, row.service))
    return found


_COLUMNS = (
    ("platform", "''"),
    ("region", "''"),
    ("unnest(string_split(versions, ', '))", "''"),
    ("entry_operation", "entry_service"),
)
"""The value of each list, and its service."""


def range_of_store(connection: DuckDBPyConnection) -> tuple[int, int]:
    """When the first and the last trace began, in Unix nanoseconds; zeros in an empty store.

    One wrong clock does not move the end of the store: what began after it arrived does not count.
    """
    first, last = connection.execute(_LIMITS).fetchone() or (0, 0)
    return int(first or 0), int(last or 0)
