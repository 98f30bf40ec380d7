"""Waits until a trace is complete, or until something arrives.

A trace is complete if it has its root, no parent is missing, every client span of an rpc has its server span, and no
span was added for a moment. The wait sleeps until the store reports a commit, and queries only then.
"""

from collections.abc import Callable
from contextlib import closing
from time import monotonic

from duckdb import DuckDBPyConnection

from collector.analysis.waiting import QUIET_S, UNANSWERED_QUIET_S
from collector.local import query
from collector.local.api.question import Answer
from collector.local.errors import StoppingError
from collector.local.store.store import Store

LOOK_S, SETTLING_S = 0.25, (query.ROOTLESS_NS + query.SETTLED_NS) / 1e9


def await_trace(store: Store, name: str, limit_s: float) -> tuple[query.Trace, bool]:
    """The trace once it is complete, or as it is at the time limit.

    Args:
        store: read, and waited on.
        name: an id, the beginning of one, or `last`.
        limit_s: seconds to wait at most.

    Raises:
        query.QueryError: nothing of it arrived in time, or the name is not of a trace.
        StoppingError: the collector is stopping.
    """
    deadline = monotonic() + limit_s
    span_count, quiet_since = 0, 0.0
    while True:
        sequence = store.changed.sequence  # read before the query: a later commit wakes the wait
        found = _trace(store, name)
        now = monotonic()
        complete = isinstance(found, query.Trace) and query.is_complete(found)
        if isinstance(found, query.Trace):
            name = found.trace_id  # so that `last` stays the same trace
            if len(found.spans) != span_count:
                span_count, quiet_since = len(found.spans), now
        quiet_at = quiet_since + _quiet_s(found)
        wake_at = min(deadline, quiet_at) if complete else deadline
        if now >= wake_at:
            if isinstance(found, query.QueryError):
                raise found
            return found, complete and now >= quiet_at
        store.changed.wait(sequence, wake_at - now)
        if store.changed.closed:
            raise StoppingError


def await_rows(store: Store, ask: Callable[[DuckDBPyConnection], Answer], limit_s: float) -> Answer:
    """The answer once its list has a row, or as it is at the time limit.

    Args:
        store: read, and waited on.
        ask: queries what arrived since a cursor.
        limit_s: seconds to wait at most.

    Raises:
        query.QueryError: the query failed.
        StoppingError: the collector is stopping.
    """
    deadline = monotonic() + limit_s
    changed_at, sequence = monotonic(), store.changed.sequence
    while True:
        with closing(store.reader()) as connection:
            answer = ask(connection)
        now = monotonic()
        if now >= deadline or any(isinstance(rows, list) and rows for rows in answer.values()):
            return answer
        # A trace ends a moment after its last span arrived: for this time, check also without a commit.
        pause = LOOK_S if now - changed_at < SETTLING_S else deadline - now
        latest = store.changed.wait(sequence, min(pause, deadline - now))
        if store.changed.closed:
            raise StoppingError
        if latest != sequence:
            changed_at, sequence = monotonic(), latest


def _quiet_s(found: query.Trace | query.QueryError) -> float:
    """Seconds without a new span after which a trace is complete."""
    unanswered = isinstance(found, query.Trace) and query.has_unanswered_call(found)
    return UNANSWERED_QUIET_S if unanswered else QUIET_S


def _trace(store: Store, name: str) -> query.Trace | query.QueryError:
    """The trace as it is now; or the error, if it may still arrive."""
    with closing(store.reader()) as connection:
        try:
            return query.trace(connection, query.trace_named(connection, name))
        except query.QueryError as error:
            if error.code != "not_found":
                raise
            return error
