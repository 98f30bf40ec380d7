"""Reads the shapes of several traces at once: their spans without attributes, as trees, for critical paths."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from duckdb import DuckDBPyConnection

from collector.analysis.critical_path import critical_times
from collector.analysis.stages import stages_of
from collector.analysis.tree import Tree, build
from collector.local.query.lookup.numbers import OF_NUMBERS, within
from telemetry.conventions import SCOPE

MOST_SPANS = 20_000
"""Of all traces together; those that are too many are left out, so that an answer is quick."""

_SPANS = f"""
SELECT trace_no, span_id, parent_span_id, start_unix_ns, end_unix_ns, kind, name, service,
       scope_id IN (SELECT scope_id FROM scopes WHERE name = '{SCOPE}'), is_rpc
FROM span_facts WHERE {OF_NUMBERS} ORDER BY start_unix_ns, span_id
"""  # noqa: S608 (our own names)


class SpanShape(NamedTuple):
    """One span, without its attributes."""

    span_id: str
    parent_span_id: str | None
    start_unix_ns: int
    end_unix_ns: int
    kind: str
    name: str
    service: str
    ours: bool
    is_rpc: bool


@dataclass(frozen=True, slots=True)
class TraceShape:
    """The shape of one trace."""

    spans: Sequence[SpanShape]
    tree: Tree

    def stages(self) -> list[str]:
        """The stage of each span."""
        return stages_of(self.spans, self.tree)

    def times_of_stages(self) -> Mapping[str, int]:
        """Nanoseconds on the critical path by stage, the longest first."""
        times: dict[str, int] = defaultdict(int)
        for stage, time_ns in zip(self.stages(), critical_times(self.tree), strict=True):
            times[stage] += time_ns
        return dict(sorted(((k, v) for k, v in times.items() if v), key=lambda item: (-item[1], item[0])))


def shapes_of_traces(connection: DuckDBPyConnection, counts: Mapping[int, int]) -> dict[int, TraceShape]:
    """The shapes of traces, by number; of the first ones, as long as they have no more than `MOST_SPANS` together.

    Args:
        connection: to the store.
        counts: how many spans each trace has, by its number.
    """
    numbers = within(counts, MOST_SPANS)
    spans: dict[int, list[SpanShape]] = defaultdict(list)
    rows = connection.execute(_SPANS, [numbers]).fetchall() if numbers else []
    for row in rows:
        spans[row[0]].append(SpanShape._make(row[1:]))
    return {number: TraceShape(found, build(found)) for number, found in spans.items()}
