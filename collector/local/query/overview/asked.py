"""What an aggregated answer is about: a time range, who asked, an operation, a filter; and the steps of its time axis.

Answers about entry points come from `entry_minutes` where they can; what a filter asks, or a short range, from
`traces`. Both are the same relation to a query, which does not know which it is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from duckdb import DuckDBPyConnection

from collector.local.query.language.conditions import Condition, all_of, of_traces
from collector.local.query.language.terms import Term
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.lookup.matching import Matching, matching, sample_of
from collector.local.query.model import Sample
from collector.local.store.spans.folding import bucket
from collector.local.store.views import ENTRY_COUNTS

T = TypeVar("T")
NS = 1_000_000_000
MINUTE = 60
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
FEW = 20_000
"""Up to so many traces in the range, the answer is made of the traces themselves: exact limits, fine steps."""

LEAST_S = 10.0
"""A rate of requests that have just begun is over so many seconds at least."""
BEFORE_S = 30 * 86_400
"""A store is as old as its requests of so long before the range: earlier ones have the time of a wrong clock."""

_FROM_TRACES = f"""
    SELECT start_unix_ns // {NS} AS second, entry_service, entry_operation, search_operation, platform, region,
           versions, outcome, coalesce(len_docs = 0, false) AS is_empty, side.side AS side,
           {bucket("side.took")} AS bucket, 1 AS n, coalesce(side.took, 0) AS total_ns
    FROM (
        SELECT *, unnest([{{{{'side': 'server', 'took': entry_duration_ns}}}},
                          {{{{'side': 'client', 'took': client_duration_ns}}}}]) AS side
        FROM traces WHERE {{condition}}
    ) WHERE side.side = 'server' OR root_kind = 'client' OR client_duration_ns IS NOT NULL"""  # noqa: S608 (our own names)
_FROM_MINUTES = """
    SELECT minute_unix_s AS second, entry_service, entry_operation, search_operation, platform, region, versions,
           outcome, is_empty, side, bucket, n, total_ns
    FROM entry_minutes WHERE {condition}"""


@dataclass(frozen=True)
class Steps:
    """The time axis of a chart."""

    first_s: int
    step_s: int
    count: int
    since_s: float
    until_s: float
    """What is counted: the first and the last step may be cut."""

    @property
    def times(self) -> list[int]:
        """When each step begins, in Unix seconds."""
        return [self.first_s + index * self.step_s for index in range(self.count)]

    @property
    def index(self) -> str:
        """The index of the step of the column `second`, in SQL."""
        return f"((second - {self.first_s}) // {self.step_s})"

    def seconds(self, index: int) -> float:
        """How much of a step is counted, for its rate."""
        begin = self.first_s + index * self.step_s
        return max(min(begin + self.step_s, self.until_s) - max(begin, self.since_s), 1e-9)

    def place(self, values: Mapping[int, T]) -> list[T | None]:
        """A value for each step, by the step's index; None where there is none."""
        return [values.get(index) for index in range(self.count)]


@dataclass(frozen=True)
class Asked:
    """The traces in question, in a range that has both ends."""

    wanted: TraceFilter
    now_ns: int
    count: int
    """About how many traces are in the range."""
    found: Matching | None = None
    """Those with the spans that a filter asks for; None: it asks for none."""
    began_s: float = 0.0
    """When the first request of the store began, if that is within the range; else 0."""

    @classmethod
    def of(cls, connection: DuckDBPyConnection, wanted: TraceFilter, now_ns: int) -> "Asked":
        """Look how much there is in the range."""
        values = [wanted.since_ns // (MINUTE * NS) * MINUTE, wanted.until_ns // NS, BEFORE_S]
        count, is_older = connection.execute(_COUNT, values).fetchone() or (0, False)
        found = matching(connection, wanted.without_operation(), count)
        return cls(wanted, now_ns, int(count), found, 0.0 if is_older else _began_s(connection, wanted))

    @property
    def is_few(self) -> bool:
        """Whether few traces are in the range."""
        return self.count <= FEW

    @property
    def sample(self) -> Sample | None:
        """The traces that a filter of spans was asked of, if not all."""
        return sample_of(self.found, self.count)

    @property
    def scale(self) -> float:
        """By how much counts are smaller than those of all traces."""
        return 1 / self.found.share if self.found else 1.0

    def scaled(self, sample: Sample | None, traces: int) -> Sample | None:
        """The sample of an answer that looked at some traces of those found here.

        Args:
            sample: of those found here; None: all of them were looked at.
            traces: how many were.
        """
        if self.found is None or self.found.share == 1:
            return sample
        return Sample(traces, (sample.of if sample else traces) * self.found.share)

    @property
    def by_minute(self) -> bool:
        """Whether whole minutes are counted."""
        return not (self.is_few or self.wanted.is_narrow)

    @property
    def of_everyone(self) -> bool:
        """Whether it asks for no more than time and operation."""
        wanted = self.wanted
        return not (wanted.is_narrow or wanted.platform or wanted.region or wanted.version)

    def by_minutes(self) -> "Asked":
        """The same, counted by minute as if there were many traces: spans inside of requests are."""
        return replace(self, count=max(self.count, FEW + 1))

    def steps(self, most: int) -> Steps:
        """The time axis with at most so many steps; it begins and ends at whole steps around the range."""
        least = max(MINUTE if self.by_minute else 1, math.ceil(self.seconds / most))
        step = next((step for step in STEPS if step >= least), -(-least // STEPS[-1]) * STEPS[-1])
        first = int(self.since_s // step * step)
        return Steps(first, step, max(math.ceil((self.until_s - first) / step), 1), self.since_s, self.until_s)

    @property
    def since_s(self) -> float:
        """From when on is counted, in Unix seconds."""
        return self.first_minute if self.by_minute else self.wanted.since_ns / NS

    @property
    def until_s(self) -> float:
        """Until when is counted, in Unix seconds: a minute as far as it is over."""
        if not self.by_minute:
            return self.wanted.until_ns / NS
        whole = math.ceil(self.wanted.until_ns / (MINUTE * NS)) * MINUTE
        return min(whole, max(self.now_ns, self.wanted.until_ns) / NS)

    @property
    def seconds(self) -> float:
        """The length of the range that is counted, for rates: from the store's first request on."""
        whole = max(self.until_s - self.since_s, 1.0)
        began_s = self.began_s // MINUTE * MINUTE if self.by_minute else self.began_s
        return min(whole, max(self.until_s - began_s, LEAST_S))

    def entries(self) -> Condition:
        """The relation of requests at their entries, in SQL with parameters.

        Columns: second, entry_service, entry_operation, search_operation, platform, region, versions, outcome,
        is_empty, side, bucket, n, total_ns.
        """
        wanted = self.wanted
        if not self.by_minute:
            condition, values = all_of([self.traces_but_operation(), of_traces(wanted.entry)])
            return _FROM_TRACES.format(condition=condition), values
        who = [
            Term(key, "=", (value,))
            for key, value in (("platform", wanted.platform), ("region", wanted.region), ("version", wanted.version))
            if value is not None
        ]
        minutes = ("minute_unix_s >= ? AND minute_unix_s * 1000000000 < ?", [self.first_minute, wanted.until_ns])
        condition, values = all_of([minutes, of_traces([*wanted.entry, *who])])
        return _FROM_MINUTES.format(condition=condition), values

    def traces_but_operation(self) -> Condition:
        """The condition on `traces`, whatever the operation."""
        wanted = self.wanted.without_operation()
        return wanted.condition() if self.found is None else self.found.condition(wanted)

    @property
    def first_minute(self) -> int:
        """The first minute of the range, in Unix seconds."""
        return self.wanted.since_ns // (MINUTE * NS) * MINUTE


def _began_s(connection: DuckDBPyConnection, wanted: TraceFilter) -> float:
    """When the first request in the range began, in Unix seconds; 0 if there is none."""
    found = connection.execute(_FIRST, [wanted.since_ns, wanted.until_ns]).fetchone()
    return float(found[0]) / NS if found and found[0] is not None else 0.0


_FIRST = "SELECT min(start_unix_ns) FROM traces WHERE start_unix_ns BETWEEN ? AND ? AND NOT is_batch"
_COUNT = f"""
SELECT (SELECT coalesce(sum(n), 0) FROM ({ENTRY_COUNTS}) WHERE minute_unix_s BETWEEN $1 AND $2),
       (SELECT true FROM span_minutes WHERE minute_unix_s < $1 AND minute_unix_s >= $1 - $3 LIMIT 1)
"""  # noqa: S608 (ours)
"""About how many requests are in a range, and whether there are some before it: where there is a span there is one, and
`span_minutes` is planned much faster than `entry_minutes`."""
