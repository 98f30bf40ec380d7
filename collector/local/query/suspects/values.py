"""Reads which traces have which attributes: of all their spans, of the batches they waited for, and of the processes.

In: numbers of traces. Out: for `collector.analysis.suspects.candidates`, by stage and key the traces that have each
value, as bits.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

from collector.analysis.suspects.candidates import PRESENT, Value

STAGE = " › "
"""Between the service and the operation of a stage."""

EVERY = """
every AS (
    SELECT unnest(?::BIGINT[]) AS trace_no, unnest(range(?::BIGINT)) AS number, NULL::VARCHAR AS parent
), linked AS (
    SELECT DISTINCT linked_trace_id, number, span_id AS parent FROM span_links JOIN every USING (trace_no)
), batched AS (
    SELECT trace_no, number, parent FROM linked JOIN traces ON trace_id = linked_trace_id
    WHERE is_batch AND trace_no BETWEEN ? AND ?
), wanted AS (SELECT * FROM every UNION ALL SELECT * FROM batched)
"""
"""The traces asked for, numbered, and the batches that their spans link to: `parent` is the span that waited.

Its parameters are those of `chosen`.
"""
NEAR = 10_000
"""A batch arrives about when its requests do: its number differs by less than this from some number asked for."""

_VALUES = f"""
WITH {EVERY}
SELECT number, service, name, attributes, resource_id, count(*)
FROM span_facts JOIN wanted USING (trace_no) WHERE trace_no BETWEEN ? AND ?
GROUP BY ALL ORDER BY min(parent IS NOT NULL), min(NOT is_root), min(start_unix_ns), max(end_unix_ns) DESC, name
"""  # noqa: S608 (our own text)
_RESOURCES = "SELECT resource_id, attributes FROM resources WHERE list_contains(?::BIGINT[], resource_id)"


def chosen(trace_nos: Sequence[int]) -> list[Any]:
    """The parameters of a query with `EVERY`, for these traces; the last two are the limits of all numbers in it."""
    first, last = min(trace_nos, default=0), max(trace_nos, default=0)
    return [list(trace_nos), len(trace_nos), *(first - NEAR, last + NEAR) * 2]


def observed(
    connection: DuckDBPyConnection,
    trace_nos: Sequence[int],
    hidden: Callable[[str], bool],
) -> dict[tuple[str, str], dict[Value, int]]:
    """The values of all attributes; bit i stands for the trace at index i.

    Args:
        connection: to the store.
        trace_nos: the numbers of the traces.
        hidden: whether to leave out a key.
    """
    rows = connection.execute(_VALUES, chosen(trace_nos)).fetchall()
    texts: dict[tuple[str, str, str], int] = defaultdict(int)
    processes: dict[tuple[str, int], int] = defaultdict(int)
    counts: dict[tuple[str, str, int], int] = defaultdict(int)
    for number, service, name, text, resource, count in rows:
        texts[service, name, text] |= 1 << number
        processes[service, resource] |= 1 << number
        counts[service, name, number] += count
    found: dict[tuple[str, str], dict[Value, int]] = {}
    for (service, name, text), mask in texts.items():
        _add(found, service + STAGE + name, orjson.loads(text), mask, hidden)
    ids = list({resource for _, resource in processes})
    resources = {key: orjson.loads(text) for key, text in connection.execute(_RESOURCES, [ids]).fetchall()}
    for (service, resource), mask in processes.items():
        _add(found, service, resources.get(resource, {}), mask, hidden)
    for (service, name, number), count in counts.items():
        values = found.setdefault((service + STAGE + name, PRESENT), {})
        values[count] = values.get(count, 0) | 1 << number
    return found


def _add(
    found: dict[tuple[str, str], dict[Value, int]],
    stage: str,
    attributes: dict[str, Any],
    mask: int,
    hidden: Callable[[str], bool],
) -> None:
    for key, raw in attributes.items():
        if not hidden(key):
            is_plain = isinstance(raw, str | int | float) and not isinstance(raw, bool)
            value = raw if is_plain else orjson.dumps(raw).decode()
            values = found.setdefault((stage, key), {})
            values[value] = values.get(value, 0) | mask
