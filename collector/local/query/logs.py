"""Lists log records: the latest, those that arrived since a cursor, those of one trace."""

import json
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.cursor import decode, encode
from collector.local.query.language.conditions import Condition, all_of, of_logs
from collector.local.query.language.fields import LEVELS
from collector.local.query.language.terms import Term
from collector.local.query.lookup.filters import LATEST
from collector.local.query.model import Arrivals, LogRow, Page, TraceLog
from telemetry.errors import did_you_mean

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
    FROM logs WHERE {condition}
)
SELECT moment, place, timed.ingested_unix_ns, time_unix_ns, observed_unix_ns, severity_number, severity_text, body,
       event_name, timed.service, trace_id, span_id, timed.attributes, resources.attributes AS resource,
       coalesce(scopes.name, '') AS scope
FROM timed LEFT JOIN resources USING (resource_id) LEFT JOIN scopes USING (scope_id)
"""
_LATEST = "WHERE ? IS NULL OR (moment, place) < (?, ?) ORDER BY moment DESC, place DESC LIMIT ?"
_ARRIVED = "WHERE (timed.ingested_unix_ns, place) > (?, ?) ORDER BY timed.ingested_unix_ns, place LIMIT ?"
_ARRIVED_LAST = "ORDER BY timed.ingested_unix_ns DESC, place DESC LIMIT ?"
_OLDEST = "ORDER BY moment, place LIMIT ?"
_NEWEST = "SELECT ingested_unix_ns, rowid FROM logs ORDER BY ingested_unix_ns DESC, rowid DESC LIMIT 1"


@dataclass(frozen=True)
class LogFilter:
    """Default values do not filter."""

    trace_id: str | None = None
    service: str | None = None
    level: str | None = None
    """The lowest level."""
    since_ns: int = 0
    """Unix nanoseconds."""
    until_ns: int = LATEST
    where: tuple[Term, ...] = ()
    """The terms of the filter language."""

    def __post_init__(self) -> None:
        if self.level is not None and _SYNONYMS.get(self.level, self.level) not in LEVELS:
            hint = did_you_mean(self.level, [*LEVELS, *_SYNONYMS]) or f"Use one of {', '.join(LEVELS)}."
            raise QueryError("bad_request", f"level={self.level!r} is not a level.", hint)

    def condition(self) -> Condition:
        """A condition on log records with their `moment` and `severity`."""
        conditions = [of_logs(self.where)]
        for column, value in (("trace_id", self.trace_id), ("service", self.service)):
            if value is not None:
                conditions.append((f"{column} = ?", [value]))
        if self.level is not None:
            conditions.append(("severity >= ?", [LEVELS[_SYNONYMS.get(self.level, self.level)]]))
        if self.since_ns > 0 or self.until_ns < LATEST:
            conditions.append(("moment BETWEEN ? AND ?", [self.since_ns, self.until_ns]))
        return all_of(conditions)

    def timed(self) -> Condition:
        """The records, with what their lists are ordered by."""
        sql, values = self.condition()
        return _TIMED.format(condition=sql), values


def logs(
    connection: DuckDBPyConnection, wanted: LogFilter, limit: int = 1000, before: str | None = None
) -> Page[LogRow]:
    """Log records that match, latest first.

    Args:
        connection: to the store.
        wanted: the filter.
        limit: rows at most.
        before: the cursor of the previous page.
    """
    last = decode(before, int, int)
    sql, values = wanted.timed()
    found = connection.execute(sql + _LATEST, [*values, last[0], *last, limit + 1]).fetchall()
    rows = [_row(row) for row in found[:limit]]
    return Page(rows, encode(found[limit - 1][0], found[limit - 1][1]) if len(found) > limit else None)


def last_arrived_logs(connection: DuckDBPyConnection, wanted: LogFilter, limit: int) -> list[LogRow]:
    """Log records that match, the one that arrived last first, whatever times their senders give them.

    Args:
        connection: to the store.
        wanted: the filter.
        limit: rows at most.
    """
    sql, values = wanted.timed()
    return [_row(row) for row in connection.execute(sql + _ARRIVED_LAST, [*values, limit]).fetchall()]


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
    sql, values = wanted.timed()
    found = connection.execute(sql + _ARRIVED, [*values, *since, MAX_ARRIVALS]).fetchall()
    return Arrivals([_row(row) for row in found], encode(found[-1][2], found[-1][1]) if found else after)


def logs_of_trace(connection: DuckDBPyConnection, trace_id: str, start_unix_ns: int) -> list[TraceLog]:
    """The records of one trace, oldest first, at most `MAX_OF_TRACE`.

    Args:
        connection: to the store.
        trace_id: of the trace.
        start_unix_ns: when it began.
    """
    sql, values = LogFilter(trace_id).timed()
    found = connection.execute(sql + _OLDEST, [*values, MAX_OF_TRACE]).fetchall()
    return [TraceLog(**vars(_row(row)), offset_ns=row[0] - start_unix_ns) for row in found]


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
