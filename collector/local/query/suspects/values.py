"""Reads which traces have which attributes: of all their spans, of the batches they waited for, and of the processes.

In: numbers of traces. Out: for `collector.analysis.suspects.candidates`, by stage and key the traces that have each
value, as bits.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from duckdb import DuckDBPyConnection

from collector.analysis.suspects.candidates import PRESENT, STAGE, Value
from collector.local.query.lookup.numbers import OF_NUMBERS, numbers_by_id

_LINKS = f"SELECT DISTINCT linked_trace_id, trace_no, span_id FROM span_links WHERE {OF_NUMBERS}"  # noqa: S608 (our own text)
_BATCHES = f"SELECT trace_no, trace_id FROM traces WHERE is_batch AND {OF_NUMBERS}"  # noqa: S608 (as above)
_VALUES = f"""
SELECT trace_no, service, name, attributes, resource_id FROM span_facts WHERE {OF_NUMBERS}
ORDER BY NOT is_root, start_unix_ns, end_unix_ns DESC, name
"""  # noqa: S608 (as above)
_RESOURCES = "SELECT resource_id, attributes FROM resources WHERE list_contains(?::BIGINT[], resource_id)"


def batches_of(connection: DuckDBPyConnection, trace_nos: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """The batches that spans of some traces link to: of each the traces and spans that waited for it."""
    links = connection.execute(_LINKS, [list(trace_nos)]).fetchall()
    if not links:
        return {}
    numbers = numbers_by_id(connection, list({linked for linked, _, _ in links}))
    by_id = {trace_id: number for number, trace_id in connection.execute(_BATCHES, [numbers]).fetchall()}
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for linked, trace_no, span_id in links:
        if linked in by_id:
            found[by_id[linked]].append((trace_no, span_id))
    return found


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
    place = {trace_no: index for index, trace_no in enumerate(trace_nos)}
    places: dict[int, tuple[int, ...]] = {trace_no: (index,) for trace_no, index in place.items()}
    batches = batches_of(connection, trace_nos)
    waiting = {number: tuple({place[trace_no] for trace_no, _ in waited}) for number, waited in batches.items()}
    rows = connection.execute(_VALUES, [list(trace_nos)]).fetchall()
    if waiting:
        rows += connection.execute(_VALUES, [list(waiting)]).fetchall()
    return _Reading(hidden).read(connection, rows, places | waiting)


class _Reading:
    """Collects the values of attributes of spans and processes."""

    def __init__(self, hidden: Callable[[str], bool]) -> None:
        self._hidden = hidden
        self._found: dict[tuple[str, str], dict[Value, int]] = {}
        self._keys: dict[str, dict[str, dict[Value, int] | None]] = defaultdict(dict)
        """By stage: the values of each key, None of one that is left out."""

    def read(
        self, connection: DuckDBPyConnection, rows: Sequence[tuple[Any, ...]], places: Mapping[int, Sequence[int]]
    ) -> dict[tuple[str, str], dict[Value, int]]:
        """The values of some spans.

        Args:
            connection: to the store.
            rows: number of the trace, service, name, attributes, resource.
            places: of each number: which bits stand for it.
        """
        masks = {trace_no: sum(1 << place for place in mine) for trace_no, mine in places.items()}
        texts: dict[tuple[str, str, str], int] = {}
        processes: dict[tuple[str, int], int] = {}
        counts: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        for trace_no, service, name, text, resource in rows:
            mask = masks[trace_no]
            texts[service, name, text] = texts.get((service, name, text), 0) | mask
            processes[service, resource] = processes.get((service, resource), 0) | mask
            counts[service, name][trace_no] += 1
        for (service, name, text), mask in texts.items():
            self._add(service + STAGE + name, orjson.loads(text), mask)
        ids = list({resource for _, resource in processes})
        resources = {key: orjson.loads(text) for key, text in connection.execute(_RESOURCES, [ids]).fetchall()}
        for (service, resource), mask in processes.items():
            self._add(service, resources.get(resource, {}), mask)
        for (service, name), by_trace in counts.items():
            self._found[service + STAGE + name, PRESENT] = _by_count(by_trace, places)
        return self._found

    def _add(self, stage: str, attributes: Mapping[str, Any], mask: int) -> None:
        keys = self._keys[stage]
        for key, raw in attributes.items():
            if key not in keys:
                keys[key] = None if self._hidden(key) else self._found.setdefault((stage, key), {})
            values = keys[key]
            if values is not None:
                value = raw if type(raw) in _PLAIN else orjson.dumps(raw).decode()
                values[value] = values.get(value, 0) | mask


_PLAIN = frozenset((str, int, float))


def _by_count(by_trace: Mapping[int, int], places: Mapping[int, Sequence[int]]) -> dict[Value, int]:
    """How many of some spans the traces have, those of batches that several waited for in each of these."""
    counts: Counter[int] = Counter()
    for trace_no, count in by_trace.items():
        for place in places[trace_no]:
            counts[place] += count
    found: dict[Value, int] = {}
    for place, count in counts.items():
        found[count] = found.get(count, 0) | 1 << place
    return found
