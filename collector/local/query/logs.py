"""Lists log records: the latest, those that arrived since a cursor, those of one trace."""

import json
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.cursor import decode, encode
from collector.local.query.model import Arrivals, LogRow, Page, TraceLog
from telemetry.errors import did_you_mean

LEVELS = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
"""The lowest severity number of each level, as in OpenTelemetry."""
_SYNONYMS = {"warning": "warn", "critical": "fatal"}
MAX_ARRIVALS, MAX_OF_TRACE = 10_000, 1000

# A record without a time has the time of its observation; one without a severity number has that of its text.
_TIMED = """
WITH timed AS (
    SELECT *, CASE WHEN time_unix_ns > 0 THEN time_unix_ns ELSE observed_unix_ns END AS moment, rowid AS place,
           CASE WHEN severity_number > 0 THEN severity_number
                WHEN severity_text ILIKE 'trace%' THEN 1 WHEN severity_text ILIKE 'debug%' THEN 5
                WHEN severity_text ILIKE 'info%' OR severity_text ILIKE 'notice%' THEN 9
                WHEN severity_text ILIKE 'warn%' THEN 13 WHEN severity_text ILIKE 'err%' THEN 17
                WHEN severity_text ILIKE 'fatal%' OR severity_text ILIKE 'crit%' OR severity_text ILIKE 'alert%'
                  OR severity_text ILIKE 'emerg%' OR severity_text ILIKE 'panic%' THEN 21 ELSE 0 END AS severity
    FROM logs WHERE (? IS NULL OR trace_id = ?) AND (? IS NULL OR service = ?) AND severity >= ?
)
SELECT moment, place, timed.ingested_unix_ns, time_unix_ns, observed_unix_ns, severity_number, severity_text, body,
       event_name, timed.service, trace_id, span_id, timed.attributes, resources.attributes AS resource,
       coalesce(scopes.name, '') AS scope
FROM timed LEFT JOIN resources USING (resource_id) LEFT JOIN scopes USING (scope_id)
"""
_LATEST = "WHERE ? IS NULL OR (moment, place) < (?, ?) ORDER BY moment DESC, place DESC LIMIT ?"
_ARRIVED = "WHERE (timed.ingested_unix_ns, place) > (?, ?) ORDER BY timed.ingested_unix_ns, place LIMIT ?"
_OLDEST = "ORDER BY moment, place LIMIT ?"
_NEWEST = "SELECT ingested_unix_ns, rowid FROM logs ORDER BY ingested_unix_ns DESC, rowid DESC LIMIT 1"


@dataclass(frozen=True)
class LogFilter:
    """Default values do not filter."""

    trace_id: str | None = None
    service: str | None = None
    level: str | None = None
    """The lowest level."""

    def __post_init__(self) -> None:
        if self.level is not None and _SYNONYMS.get(self.level, self.level) not in LEVELS:
            hint = did_you_mean(self.level, [*LEVELS, *_SYNONYMS]) or f"Use one of {', '.join(LEVELS)}."
            raise QueryError("bad_request", f"level={self.level!r} is not a level.", hint)

    def parameters(self) -> list[Any]:
        """The parameters of `_TIMED`."""
        least = 0 if self.level is None else LEVELS[_SYNONYMS.get(self.level, self.level)]
        return [self.trace_id, self.trace_id, self.service, self.service, least]


def logs(
    connection: DuckDBPyConnection,
    trace_id: str | None = None,
    limit: int = 1000,
    before: str | None = None,
    *,
    service: str | None = None,
    level: str | None = None,
) -> Page[LogRow]:
    """Log records that match the filter, latest first."""
    last = decode(before, int, int)
    parameters = [*LogFilter(trace_id, service, level).parameters(), last[0], *last, limit + 1]
    found = connection.execute(_TIMED + _LATEST, parameters).fetchall()
    rows = [_row(row) for row in found[:limit]]
    return Page(rows, encode(found[limit - 1][0], found[limit - 1][1]) if len(found) > limit else None)


def newest_log(connection: DuckDBPyConnection) -> str:
    """The cursor of `arrived_logs` after all stored records."""
    row = connection.execute(_NEWEST).fetchone()
    return encode(*(row or (0, 0)))


def arrived_logs(connection: DuckDBPyConnection, wanted: LogFilter, after: str) -> Arrivals[LogRow]:
    """Log records that arrived since the last call, in the order of their arrival.

    Args:
        connection: to the store.
        wanted: the filter.
        after: the cursor of the previous call, or of `newest_log`.
    """
    since = decode(after, int, int, name="after")
    found = connection.execute(_TIMED + _ARRIVED, [*wanted.parameters(), *since, MAX_ARRIVALS]).fetchall()
    return Arrivals([_row(row) for row in found], encode(found[-1][2], found[-1][1]) if found else after)


def logs_of_trace(connection: DuckDBPyConnection, trace_id: str, start_unix_ns: int) -> tuple[list[TraceLog], int]:
    """The records of one trace, oldest first, at most `MAX_OF_TRACE`; and their total number.

    Args:
        connection: to the store.
        trace_id: of the trace.
        start_unix_ns: when it began.
    """
    (total,) = connection.execute("SELECT count(*) FROM logs WHERE trace_id = ?", [trace_id]).fetchone() or (0,)
    if not total:
        return [], 0
    parameters = [*LogFilter(trace_id).parameters(), MAX_OF_TRACE]
    found = connection.execute(_TIMED + _OLDEST, parameters).fetchall()
    return [TraceLog(**vars(_row(row)), offset_ns=row[0] - start_unix_ns) for row in found], total


def _row(row: Any) -> LogRow:
    time, observed, number, text, body, event_name, service, trace_id, span_id, attributes, resource, scope = row[3:]
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
