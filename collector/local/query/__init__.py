"""Queries: functions of a DuckDB connection that return the frozen rows of `model.py`, or raise `QueryError`."""

from collector.local.errors import QueryError
from collector.local.query.duration import parse_duration, parse_moment
from collector.local.query.language.fields import LEVELS
from collector.local.query.logs import LogFilter, arrived_logs, last_arrived_logs, logs, newest_log
from collector.local.query.lookup.ended import ROOTLESS_NS, SETTLED_NS, ended_traces
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.listing import ORDERS, find_trace, trace_named, traces
from collector.local.query.lookup.trace import has_unanswered_call, is_complete, trace
from collector.local.query.metrics import metric, metrics
from collector.local.query.model import (
    Arrivals,
    Event,
    Exemplar,
    Link,
    LogRow,
    Metric,
    MetricRow,
    OperationRow,
    Page,
    Point,
    Series,
    ServiceRow,
    SharedRow,
    Span,
    StoreStats,
    Trace,
    TraceLog,
    TraceRow,
)
from collector.local.query.services import operations, services, store_stats
from collector.local.query.suspects.shared import shared

__all__ = [
    "LEVELS",
    "ORDERS",
    "ROOTLESS_NS",
    "SETTLED_NS",
    "Arrivals",
    "Event",
    "Exemplar",
    "Link",
    "LogFilter",
    "LogRow",
    "Metric",
    "MetricRow",
    "OperationRow",
    "Page",
    "Point",
    "QueryError",
    "Series",
    "ServiceRow",
    "SharedRow",
    "Span",
    "StoreStats",
    "Trace",
    "TraceFilter",
    "TraceLog",
    "TraceRow",
    "arrived_logs",
    "ended_traces",
    "find_trace",
    "has_unanswered_call",
    "is_complete",
    "last_arrived_logs",
    "logs",
    "metric",
    "metrics",
    "newest_log",
    "operations",
    "parse_duration",
    "parse_moment",
    "services",
    "shared",
    "store_stats",
    "trace",
    "trace_named",
    "traces",
]
