"""Finds which processes still send metrics.

A process sends all of its metrics once in each interval. The interval is not part of the data: it is estimated from the
gaps between the last exports. Times are of the arrival, by the collector's clock.
"""

from duckdb import DuckDBPyConnection

MISSED_EXPORTS = 3
"""After this many intervals without an export, a process has ended."""
AT_LEAST_NS, AT_MOST_NS, UNKNOWN_NS = 15 * 10**9, 300 * 10**9, 150 * 10**9
"""Limits of that time; and the time after a single export: OpenTelemetry's default interval is a minute."""

_LIVING = f"""
WITH exports AS (
    SELECT DISTINCT resource_id, ingested_unix_ns AS arrived FROM metric_points
    WHERE ingested_unix_ns >= $now - {3 * AT_MOST_NS}
), gaps AS (
    SELECT resource_id, arrived, arrived - lag(arrived) OVER (PARTITION BY resource_id ORDER BY arrived) AS gap
    FROM exports QUALIFY row_number() OVER (PARTITION BY resource_id ORDER BY arrived DESC) <= 10
)
SELECT resource_id FROM gaps GROUP BY resource_id
HAVING $now - max(arrived) <=
    least({AT_MOST_NS}, greatest({AT_LEAST_NS}, coalesce({MISSED_EXPORTS} * max(gap), {UNKNOWN_NS})))
"""  # noqa: S608 (our own numbers)

_MISSED = f"""
WITH exports AS (
    SELECT DISTINCT resource_id, ingested_unix_ns AS arrived FROM metric_points WHERE name = ?
), gaps AS (
    SELECT resource_id, arrived - lag(arrived) OVER (PARTITION BY resource_id ORDER BY arrived) AS gap
    FROM exports QUALIFY row_number() OVER (PARTITION BY resource_id ORDER BY arrived DESC) <= 10
)
SELECT resource_id, least({AT_MOST_NS}, coalesce({MISSED_EXPORTS} * max(gap), {UNKNOWN_NS}))
FROM gaps GROUP BY resource_id
"""  # noqa: S608 (our own numbers)


def missed_after(connection: DuckDBPyConnection, name: str) -> dict[int, int]:
    """After how many nanoseconds without this metric a process has ended, by the id of its resource.

    For the past, where later exports are known; so there is no minimum, which allows for late exports.
    """
    return dict(connection.execute(_MISSED, [name]).fetchall())


def living(connection: DuckDBPyConnection, now_unix_ns: int | None) -> set[int]:
    """The ids of the resources that still send metrics.

    Args:
        connection: to the store.
        now_unix_ns: by the collector's clock; None: the arrival of the last point, in a store without a collector.
    """
    if now_unix_ns is None:
        row = connection.execute("SELECT max(ingested_unix_ns) FROM metric_points").fetchone()
        now_unix_ns = int(row[0]) if row and row[0] is not None else 0
    return {row[0] for row in connection.execute(_LIVING, {"now": now_unix_ns}).fetchall()}
