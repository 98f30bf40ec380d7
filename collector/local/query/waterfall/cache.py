"""Keeps the shapes of the traces that were looked at last: scrolling must not compute a tree again for each window.

In: ids of traces. Out: shapes. State: at most `MOST_SPANS` spans of shapes, those asked for last, guarded by a lock.
"""

import threading
from collections import OrderedDict
from typing import Final

from duckdb import DuckDBPyConnection

from collector.local.errors import QueryError
from collector.local.query.waterfall.reading import State, lines_of_trace, links_of, marks_of, state_of
from collector.local.query.waterfall.shape import Shape, shape_of

MOST_SPANS: Final = 300_000
MOST_TRACES: Final = 64


class ShapeCache:
    """Shapes by trace. One whose trace has changed in the store is computed anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _kept; also held while a shape is computed, so that none is twice
        self._kept: OrderedDict[tuple[str, bool], tuple[State, Shape]] = OrderedDict()

    def get(self, connection: DuckDBPyConnection, trace_id: str, *, as_sent: bool = False) -> Shape:
        """The shape of a trace as it is stored now.

        Args:
            connection: to the store.
            trace_id: whole.
            as_sent: as for `shape_of`.

        Raises:
            QueryError: no span of it is in the store.
        """
        key = (trace_id, as_sent)
        state = state_of(connection, trace_id)
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is None or kept[0] != state:
                kept = (state, read_shape(connection, trace_id, state, as_sent=as_sent))
            self._kept[key] = kept
            self._forget()
            return kept[1]

    def _forget(self) -> None:
        """Keep the latest, and as many more as there is room for."""
        spans = sum(len(shape) for _, shape in self._kept.values())
        while len(self._kept) > 1 and (spans > MOST_SPANS or len(self._kept) > MOST_TRACES):
            _, (_, shape) = self._kept.popitem(last=False)
            spans -= len(shape)


def read_shape(connection: DuckDBPyConnection, trace_id: str, state: State, *, as_sent: bool = False) -> Shape:
    """Read a trace and compute its shape.

    Raises:
        QueryError: no span of it is in the store.
    """
    lines = lines_of_trace(connection, state.number, trace_id)
    if not lines:
        raise QueryError("not_found", f"There is no span of trace {trace_id}.", "List the traces: telemetry traces.")
    marks, links = marks_of(connection, state.number, trace_id), links_of(connection, state.number)
    total = max(state.spans, len(lines))
    return shape_of(lines, as_sent=as_sent, total=total, marks=marks, links=links, number=state.number)
