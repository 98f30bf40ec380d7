"""Reads which traces have which attributes: of all their spans, of the batches they waited for, and of the processes.

In: ids of traces. Out: for `collector.analysis.candidates`, by stage and key the traces that have each value, as bits.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

from collector.analysis.candidates import PRESENT, Value
from telemetry.conventions import BATCH

STAGE = " › "
"""Between the service and the operation of a stage."""

EVERY = f"""
every AS (
    SELECT unnest(?::VARCHAR[]) AS trace_id, unnest(range(?::BIGINT)) AS number, NULL AS parent
), linked AS (
    SELECT DISTINCT linked_trace_id AS trace_id, number, span_id AS parent FROM span_links JOIN every USING (trace_id)
), batched AS (
    SELECT linked.* FROM linked WHERE trace_id IN (
        SELECT trace_id FROM spans WHERE parent_span_id IS NULL AND name = '{BATCH.name}'
        AND trace_id IN (SELECT trace_id FROM linked))
), wanted AS (SELECT * FROM every UNION ALL SELECT * FROM batched)
"""  # noqa: S608 (our own name)
"""The traces asked for, numbered, and the batches that their spans link to: `parent` is the span that waited."""

_VALUES = f"""
WITH {EVERY}
SELECT number, service, name, attributes, resource_id, count(*)
FROM spans JOIN wanted USING (trace_id) WHERE start_unix_ns BETWEEN ? AND ?
GROUP BY ALL ORDER BY min(parent IS NOT NULL), min(parent_span_id IS NOT NULL), min(start_unix_ns), max(end_unix_ns) DESC, name
"""  # noqa: S608 (our own text)
_RESOURCES = "SELECT resource_id, attributes FROM resources WHERE list_contains(?::BIGINT[], resource_id)"


def observed(
    connection: DuckDBPyConnection,
    trace_ids: Sequence[str],
    hidden: Callable[[str], bool],
    times: tuple[int, int] = (-(2**63), 2**63 - 1),
) -> dict[tuple[str, str], dict[Value, int]]:
    """The values of all attributes; bit i stands for the trace at index i.

    Args:
        connection: to the store.
        trace_ids: of the traces.
        hidden: whether to leave out a key.
        times: between which all spans began, if it is known: others are not read.
    """
    rows = connection.execute(_VALUES, [list(trace_ids), len(trace_ids), *times]).fetchall()
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
