"""The worst cell: the platform and region whose requests are slow beside those of all others, if any are.

A cell is compared with all other requests of the same operation, since an indexing request is longer than a search. It
is worth a sentence only if its p95 is larger beyond doubt: the lower confidence limit of its p95 must be `LEAST` times
the upper limit of the others'. The limits are those of order statistics (the number of requests below the true p95 has
a binomial distribution), and hold together for all cells that were looked at, 99 times of 100.

A cell may be slow every day, such as a country with a long way. It is new if, as a multiple of the others' p95, its
p95 is larger than in the same length of time before, by limits of the same kind.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist

from duckdb import DuckDBPyConnection

from collector.local.query.model import Sample
from collector.local.query.overview.asked import Asked
from collector.local.query.overview.buckets import middle_ns
from collector.local.query.suspects.requests import before

LEAST_COUNT, LEAST_OTHERS = 30, 100
"""Requests of a cell, and of all others together."""
LEAST = 1.3
"""How many times as long at least, between the confidence limits."""
DOUBT = 0.01
"""How often a sentence may be wrong where all cells are alike."""
MOSTLY = 0.6
"""Of the difference: `most of it`."""
QUANTILE = 0.95


@dataclass(frozen=True)
class WorstCell:
    """One platform in one region, against all others."""

    platform: str | None
    region: str | None
    service: str
    """Where its requests enter."""
    operation: str
    p95_ns: int
    """What its clients waited; without clients' spans, the durations at the entry."""
    rest_p95_ns: int
    factor: float
    count: int
    where: str
    """`before`: most of the difference is on the way to the entry; `inside`: from the entry on; `both`; `unknown`."""
    sentence: str
    is_new: bool | None = None
    """Whether it was less slow in the time before, beyond doubt, beside all others; None: too little is known."""


@dataclass(frozen=True)
class Worst:
    """What is worst."""

    worst: WorstCell | None
    """None: no cell is worse than the others beyond doubt."""
    sample: Sample | None
    """The traces that a filter was asked of, if not all."""


@dataclass
class _Cell:
    """Counts by bucket, and the total time, of both sides."""

    client: dict[int, int]
    server: dict[int, int]
    client_ns: int = 0
    server_ns: int = 0

    @classmethod
    def empty(cls) -> "_Cell":
        return cls(defaultdict(int), defaultdict(int))

    def add(self, side: str, bucket: int, n: int, total_ns: int) -> None:
        if side == "client":
            self.client[bucket] += n
            self.client_ns += total_ns
        else:
            self.server[bucket] += n
            self.server_ns += total_ns

    @property
    def has_clients(self) -> bool:
        """Whether most of its requests say what their clients waited."""
        return 2 * sum(self.client.values()) >= sum(self.server.values())

    def without(self, other: "_Cell") -> "_Cell":
        """The requests of all cells but one."""
        rest = _Cell(dict(self.client), dict(self.server), self.client_ns, self.server_ns)
        for mine, its in ((rest.client, other.client), (rest.server, other.server)):
            for bucket, n in its.items():
                mine[bucket] -= n
        rest.client_ns -= other.client_ns
        rest.server_ns -= other.server_ns
        return rest


_Operations = defaultdict[tuple[str, str], defaultdict[tuple[str | None, str | None], _Cell]]
_CELLS = """
SELECT entry_service, entry_operation, platform, region, side, bucket, sum(n)::BIGINT, sum(total_ns)::HUGEINT
FROM ({entries}) WHERE bucket IS NOT NULL AND (platform IS NOT NULL OR region IS NOT NULL)
GROUP BY ALL HAVING sum(n) > 0"""


def worst(connection: DuckDBPyConnection, asked: Asked) -> Worst:
    """The cell whose p95 is the most times that of all others, of those that are worth a sentence.

    Args:
        connection: to the store.
        asked: the range and the filters.
    """
    operations = _cells(connection, asked)
    looked_at = sum(len(cells) for cells in operations.values())
    found = [
        found
        for key, cells in operations.items()
        for every in (_sum(cells.values()),)
        for who, cell in cells.items()
        if (found := _compare(key, who, cell, every.without(cell), looked_at)) is not None
    ]
    first = max(found, key=lambda cell: cell.factor, default=None)
    if first is not None:
        key, who = (first.service, first.operation), (first.platform, first.region)
        earlier = _cells(connection, Asked.of(connection, before(asked.wanted), asked.now_ns))
        sides = [(cells[who], _sum(cells.values()).without(cells[who])) for cells in (operations[key], earlier[key])]
        first = replace(first, is_new=_is_new(*sides[0], *sides[1]))
    return Worst(first, asked.sample)


def _cells(connection: DuckDBPyConnection, asked: Asked) -> _Operations:
    """The cells of each operation: by service and operation, then by platform and region."""
    entries, values = asked.entries()
    operations: _Operations = defaultdict(lambda: defaultdict(_Cell.empty))
    for service, operation, platform, region, *figures in connection.execute(
        _CELLS.format(entries=entries), values
    ).fetchall():
        operations[service, operation][platform, region].add(*figures)
    return operations


def _compare(
    key: tuple[str, str],
    who: tuple[str | None, str | None],
    cell: _Cell,
    rest: _Cell,
    looked_at: int,
) -> WorstCell | None:
    counts, others = _sides(cell, rest)
    count = sum(counts.values())
    if count < LEAST_COUNT or sum(others.values()) < LEAST_OTHERS:
        return None
    # One of two limits is wrong if the sentence is: each has half of this cell's share of the doubt.
    z = NormalDist().inv_cdf(1 - DOUBT / looked_at / 2)
    low, high = limits(counts, z)[0], limits(others, z)[1]
    if middle_ns(low) < LEAST * middle_ns(high):
        return None
    p95, rest_p95 = _p95(counts), _p95(others)
    where = _where(cell, rest)
    return WorstCell(
        *who, *key, p95, rest_p95, p95 / rest_p95, count, where, _sentence(who, p95 / rest_p95, where, key[0])
    )


def _sides(cell: _Cell, rest: _Cell) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """What clients waited, where most of both say so: a few requests without it change nothing. Else at the entry."""
    of_clients = cell.has_clients and rest.has_clients
    return (cell.client, rest.client) if of_clients else (cell.server, rest.server)


def _is_new(cell: _Cell, rest: _Cell, earlier: _Cell, earlier_rest: _Cell) -> bool | None:
    """Whether a cell's p95 is beyond doubt more times that of the rest than it was before."""
    (now, others), (then, others_then) = _sides(cell, rest), _sides(earlier, earlier_rest)
    if sum(then.values()) < LEAST_COUNT or sum(others_then.values()) < LEAST_OTHERS:
        return None
    z = NormalDist().inv_cdf(1 - DOUBT / 4)  # any of the four limits may be wrong
    least = middle_ns(limits(now, z)[0]) / middle_ns(limits(others, z)[1])
    most = middle_ns(limits(then, z)[1]) / middle_ns(limits(others_then, z)[0])
    return least > most


def limits(counts: Mapping[int, int], z: float) -> tuple[int, int]:
    """The buckets of the lower and the upper confidence limit of the p95; z is that of one side."""
    n = sum(counts.values())
    spread = z * math.sqrt(n * QUANTILE * (1 - QUANTILE))
    return _of_rank(counts, n * QUANTILE - spread), _of_rank(counts, n * QUANTILE + spread + 1)


def _of_rank(counts: Mapping[int, int], rank: float) -> int:
    """The bucket of the duration of a rank; of the last one, if there are fewer."""
    for bucket in sorted(counts):
        rank -= counts[bucket]
        if rank <= 0:
            return bucket
    return max(counts)


def _p95(counts: Mapping[int, int]) -> int:
    return middle_ns(_of_rank(counts, sum(counts.values()) * QUANTILE - 1e-9))


def _where(cell: _Cell, rest: _Cell) -> str:
    """Where the difference of the average is; averages can be subtracted, percentiles cannot."""
    n, of = sum(cell.client.values()), sum(rest.client.values())
    if not n or not of or not (cell.has_clients and rest.has_clients):
        return "unknown"
    waited = cell.client_ns / n - rest.client_ns / of
    inside = cell.server_ns / max(sum(cell.server.values()), 1) - rest.server_ns / max(sum(rest.server.values()), 1)
    if waited <= 0:
        return "unknown"
    share = 1 - inside / waited
    return "before" if share >= MOSTLY else "inside" if share <= 1 - MOSTLY else "both"


def _sentence(who: tuple[str | None, str | None], factor: float, where: str, service: str) -> str:
    times = f"{factor:.0f}" if factor >= 3 else f"{factor:.1f}"
    places = {
        "before": f", most of it before the {service}",
        "inside": f", most of it from the {service} on",
        "both": f", partly before the {service}, partly from it on",
    }
    return f"`{' · '.join(part for part in who if part)}`: p95 {times}× the rest{places.get(where, '')}"


def _sum(cells: Iterable[_Cell]) -> _Cell:
    every = _Cell.empty()
    for cell in cells:
        for mine, its in ((every.client, cell.client), (every.server, cell.server)):
            for bucket, n in its.items():
                mine[bucket] += n
        every.client_ns += cell.client_ns
        every.server_ns += cell.server_ns
    return every
