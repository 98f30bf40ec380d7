"""Logs, of one trace or of all.

In: a connection to the store. Out: pages of rows, latest first. State: none.
"""

import json
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.query.cursor import decode, encode
from collector.local.query.model import LogRow, Page

# A record without a time of its own is as old as its observation.
_LOGS = """
WITH timed AS (
    SELECT *, CASE WHEN time_unix_ns > 0 THEN time_unix_ns ELSE observed_unix_ns END AS moment, rowid AS place
    FROM logs WHERE ? IS NULL OR trace_id = ?
)
SELECT moment, place, time_unix_ns, observed_unix_ns, severity_number, severity_text, body, event_name, timed.service,
       trace_id, span_id, timed.attributes, resources.attributes AS resource, coalesce(scopes.name, '') AS scope
FROM timed LEFT JOIN resources USING (resource_id) LEFT JOIN scopes USING (scope_id)
WHERE ? IS NULL OR (moment, place) < (?, ?)
ORDER BY moment DESC, place DESC LIMIT ?
"""


def logs(
    connection: DuckDBPyConnection, trace_id: str | None = None, limit: int = 1000, before: str | None = None
) -> Page[LogRow]:
    """Log records, latest first."""
    last = decode(before, int, int)
    found = connection.execute(_LOGS, [trace_id, trace_id, last[0], *last, limit + 1]).fetchall()
    rows = [_row(row) for row in found[:limit]]
    return Page(rows, encode(found[limit - 1][0], found[limit - 1][1]) if len(found) > limit else None)


def _row(row: Any) -> LogRow:
    _, _, time, observed, number, text, body, event_name, service, trace_id, span_id, attributes, resource, scope = row
    return LogRow(
        time_unix_ns=time,
        observed_unix_ns=observed,
        severity_number=number,
        severity_text=text,
        body=json.loads(body),
        event_name=event_name,
        service=service,
        trace_id=trace_id,
        span_id=span_id,
        attributes=json.loads(attributes),
        resource=json.loads(resource or "{}"),
        scope=scope,
    )
