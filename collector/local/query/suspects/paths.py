"""Reads the spans of some traces for `collector.analysis.suspects.where`, and those of the batches they waited for.

A batch is in a trace of its own, to which the waiting span links: here it is a child of that span.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from collector.analysis.suspects.where import PathSpan
from collector.local.query.language.conditions import json_path
from collector.local.query.lookup.numbers import OF_NUMBERS
from collector.local.query.suspects.values import batches_of
from telemetry.conventions import ERROR_TYPE

_PATHS = f"""
SELECT trace_no, span_id, parent_span_id, start_unix_ns, end_unix_ns, kind, name, service, status = 'error',
       {{error_type}} FROM span_facts WHERE {OF_NUMBERS}
"""  # noqa: S608 (our own names)
_TYPE = json_path(ERROR_TYPE.name)
_ERROR_TYPE = f"coalesce(CASE WHEN status = 'error' THEN json_extract_string(attributes, '{_TYPE}') END, '')"


def trace_spans(
    connection: DuckDBPyConnection, trace_nos: Sequence[int], *, with_types: bool = False
) -> list[list[PathSpan]]:
    """The spans of each trace, in the order of their numbers.

    Args:
        connection: to the store.
        trace_nos: the numbers of the traces.
        with_types: with the types of errors, for which attributes must be read.
    """
    place = {trace_no: index for index, trace_no in enumerate(trace_nos)}
    sql = _PATHS.format(error_type=_ERROR_TYPE if with_types else "''")
    found: list[list[PathSpan]] = [[] for _ in trace_nos]
    for trace_no, *span in _rows(connection, sql, trace_nos):
        found[place[trace_no]].append(PathSpan(*span))
    batches = batches_of(connection, trace_nos)
    for batch_no, span_id, parent, *rest in _rows(connection, sql, batches):
        for trace_no, waiting in batches[batch_no]:
            found[place[trace_no]].append(PathSpan(span_id, parent or waiting, *rest))
    return found


def _rows(connection: DuckDBPyConnection, sql: str, trace_nos: Iterable[int]) -> list[tuple[Any, ...]]:
    numbers = list(trace_nos)
    return connection.execute(sql, [numbers]).fetchall() if numbers else []
