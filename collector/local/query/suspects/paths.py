"""Reads the spans of some traces for `collector.analysis.suspects.where`, and those of the batches they waited for.

A batch is in a trace of its own, to which the waiting span links: here it is a child of that span.
"""

from collections import defaultdict
from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from collector.analysis.suspects.where import PathSpan
from collector.local.query.suspects.values import EVERY, chosen
from telemetry.conventions import ERROR_TYPE

_PATHS = f"""
WITH {EVERY}
SELECT number, span_id, coalesce(parent_span_id, parent), start_unix_ns, end_unix_ns, kind, name, service,
       status = 'error', coalesce(CASE WHEN status = 'error'
           THEN json_extract_string(attributes, '/{ERROR_TYPE.name}') END, '')
FROM spans JOIN wanted USING (trace_no) WHERE trace_no BETWEEN ? AND ?
"""  # noqa: S608 (our own names)


def trace_spans(
    connection: DuckDBPyConnection,
    trace_nos: Sequence[int],
) -> list[list[PathSpan]]:
    """The spans of each trace, in the order of their numbers.

    Args:
        connection: to the store.
        trace_nos: the numbers of the traces.
    """
    found: defaultdict[int, list[PathSpan]] = defaultdict(list)
    for number, *span in connection.execute(_PATHS, chosen(trace_nos)).fetchall():
        found[number].append(PathSpan(*span))
    return [found[number] for number in range(len(trace_nos))]
