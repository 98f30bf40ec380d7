"""How much is in the store.

In: a connection to the store. Out: counts by signal. State: none.
"""

from duckdb import DuckDBPyConnection

from collector.local.query.model import StoreStats

_COUNTS = """
SELECT (SELECT count(DISTINCT trace_id) FROM spans), (SELECT count(*) FROM spans),
       (SELECT count(*) FROM metric_points), (SELECT count(*) FROM logs)
"""


def store_stats(connection: DuckDBPyConnection) -> StoreStats:
    """What is in the store now, whoever wrote it."""
    row = connection.execute(_COUNTS).fetchone()
    return StoreStats(*row) if row else StoreStats(0, 0, 0, 0)
