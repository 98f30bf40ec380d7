"""What incidents move: each signal as a number of one stretch of a recording, and which incident moves which.

In: a `Recording`. Out: values by signal and stretch; the noise of each signal, from its baselines. State: the series
that were read, owned by one `Values`.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Final

from benchmarks.incident_recording import NEW_VERSION, Recording, Stretch

Series = Mapping[str, Any]
Chosen = Callable[[Series], bool]

_SECOND: Final = 10**9
_PROCESS: Final = "service.instance.id"
_COLLECTED: Final = _SECOND // 3
"""The points of one export are made within this time."""
_LATE: Final = 3 * _SECOND
"""The time by which what could not be sent in a stretch has arrived."""


def where(**wanted: str | bool) -> Chosen:
    """Choose series by attributes: `client_region="cl"` is that of `client.region`; `"!cl"` any other value."""

    def chosen(series: Series) -> bool:
        for key, value in wanted.items():
            name = key.replace("_", ".")
            found = series["attributes"].get(name, series["resource"].get(name))
            if isinstance(value, str) and value.startswith("!"):
                if found is None or found == value[1:]:
                    return False
            elif found != value:
                return False
        return True

    return chosen


@dataclass(frozen=True, slots=True)
class Signal:
    """One number, how it is made of a metric's series, its unit, and the seconds that its metric comes later."""

    metric: str
    value: "Callable[[Values, Signal, Stretch], float | None]"
    chosen: Chosen
    of: Chosen = lambda _: False
    unit: str = "s"
    lag: int = 0


class Values:
    """Reads a recording's metrics once."""

    def __init__(self, recorded: Recording) -> None:
        self.series = cache(recorded.series)
        self._exports = cache(self._all_exports)

    def of(self, name: str, stretch: Stretch) -> float | None:
        """Return a signal's value in a stretch; None where nothing was recorded."""
        signal = SIGNALS[name]
        begin, end = (moment + signal.lag * _SECOND for moment in (stretch.begin, stretch.end))
        return signal.value(self, signal, Stretch(stretch.incident, begin, end))

    def chosen(self, signal: Signal, chosen: Chosen | None = None) -> list[Series]:
        """Return the series that a signal is made of."""
        return [series for series in self.series(signal.metric) if (chosen or signal.chosen)(series)]

    def added(self, series: Iterable[Series], stretch: Stretch, field: str) -> float:
        """Return by how much a cumulative field of these series rose in a stretch.

        It is known at each export, about once a second: from the last one before the stretch to the last one in it. If
        the process made none in it, the first one afterwards counts.
        """
        total = 0.0
        for one in series:
            begin, end = self._between(one["resource"].get(_PROCESS), stretch)
            total += _at(one, end + _COLLECTED, field) - _at(one, begin + _COLLECTED, field)
        return total

    def _between(self, process: str | None, stretch: Stretch) -> tuple[int, int]:
        """Return the times of the exports that a stretch is measured by; its own where a process is not known."""
        exports = self._exports().get(process)
        if exports is None:
            return stretch.begin, stretch.end
        first, last = bisect_right(exports, stretch.begin), bisect_right(exports, stretch.end)
        last = last if last > first else min(last + 1, len(exports))
        return exports[first - 1] if first else 0, exports[last - 1] if last else 0

    def _all_exports(self) -> dict[str | None, list[int]]:
        """Return the times at which each process exported: its own metrics are in every export."""
        found: dict[str | None, set[int]] = defaultdict(set)
        for series in self.series("search.telemetry.dropped"):
            found[series["resource"].get(_PROCESS)].update(point["time_unix_ns"] for point in series["points"])
        return {process: sorted(times) for process, times in found.items()}


def _at(series: Series, moment: int, field: str) -> float:
    """Return the last value until a moment; 0 before the first one."""
    values = (float(point[field]) for point in reversed(series["points"]) if point["time_unix_ns"] <= moment)
    return next(values, 0.0)


def mean(values: Values, signal: Signal, stretch: Stretch) -> float | None:
    """Return the mean of a histogram's values."""
    return _mean(values, values.chosen(signal), stretch)


def _mean(values: Values, series: Sequence[Series], stretch: Stretch) -> float | None:
    count = values.added(series, stretch, "count")
    return values.added(series, stretch, "sum") / count if count else None


def slowest(values: Values, signal: Signal, stretch: Stretch) -> float | None:
    """Return the largest of the means of each process."""
    return max(_means(values, signal, stretch), default=None)


def fastest(values: Values, signal: Signal, stretch: Stretch) -> float | None:
    """Return the smallest of the means of each process."""
    return min(_means(values, signal, stretch), default=None)


def _means(values: Values, signal: Signal, stretch: Stretch) -> list[float]:
    by_process: dict[str, list[Series]] = defaultdict(list)
    for series in values.chosen(signal):
        by_process[series["resource"][_PROCESS]].append(series)
    means = (_mean(values, series, stretch) for series in by_process.values())
    return [value for value in means if value is not None]


def rate(values: Values, signal: Signal, stretch: Stretch) -> float:
    """Return by how much a counter rose each second."""
    return values.added(values.chosen(signal), stretch, "value") / ((stretch.end - stretch.begin) / _SECOND)


def share(values: Values, signal: Signal, stretch: Stretch) -> float | None:
    """Return which share the chosen series have of those of `of`: of a counter, or of the number of a histogram."""
    every = values.chosen(signal, signal.of)
    field = "value" if every and every[0]["points"][0]["count"] is None else "count"
    total = values.added(every, stretch, field)
    return values.added([one for one in every if signal.chosen(one)], stretch, field) / total if total else None


def number(values: Values, signal: Signal, stretch: Stretch) -> float:
    """Return how many values a histogram got, until a while after the stretch: what failed in it is known later."""
    later = Stretch(stretch.incident, stretch.begin, stretch.end + _LATE)
    return values.added(values.chosen(signal), later, "count")


def most(values: Values, signal: Signal, stretch: Stretch) -> float | None:
    """Return the largest value of a gauge, of one process."""
    found = [
        float(point["value"])
        for series in values.chosen(signal)
        for point in series["points"]
        if stretch.begin < point["time_unix_ns"] <= stretch.end
    ]
    return max(found, default=None)


def gap(values: Values, signal: Signal, stretch: Stretch) -> float | None:
    """Return the longest time without a point of a series, of what lies in the stretch."""
    found = []
    for series in values.chosen(signal):
        for before, after in pairwise(point["time_unix_ns"] for point in series["points"]):
            within = min(after, stretch.end) - max(before, stretch.begin)
            found += [within / _SECOND] if within > 0 else []
    return max(found, default=None)


def before_gateway(values: Values, signal: Signal, stretch: Stretch) -> float | None:
    """Return by how much the client's time is above the gateway's, for the callers that the signal chooses."""
    client = mean(values, signal, stretch)
    gateway = _mean(values, [one for one in values.series("search.request.duration") if signal.of(one)], stretch)
    return None if client is None or gateway is None else client - gateway


_COLLECTOR: Final = 6
"""Seconds after which the local collector has counted a trace, and exported that."""

_SEARCH: Final[Mapping[str, str | bool]] = {"search_operation": "search", "search_entry": True}
_INDEX: Final[Mapping[str, str | bool]] = {"search_operation": "index", "search_entry": True}

SIGNALS: Final[Mapping[str, Signal]] = {
    "client duration, cl": Signal(
        "search.client.duration", mean, where(search_operation="search", client_region="cl")
    ),
    "client duration, others": Signal(
        "search.client.duration", mean, where(search_operation="search", client_region="!cl")
    ),
    "transit, cl": Signal(
        "search.transit.duration", mean, where(search_operation="search", client_region="cl"), lag=_COLLECTOR
    ),
    "transit, others": Signal(
        "search.transit.duration", mean, where(search_operation="search", client_region="!cl"), lag=_COLLECTOR
    ),
    "request duration, cl": Signal("search.request.duration", mean, where(**_SEARCH, client_region="cl")),
    "request duration, others": Signal("search.request.duration", mean, where(**_SEARCH, client_region="!cl")),
    "client minus request, cl": Signal(
        "search.client.duration", before_gateway, where(search_operation="search", client_region="cl"),
        where(**_SEARCH, client_region="cl"),
    ),
    "errors, ios": Signal(
        "search.request.duration", share, where(**_SEARCH, client_platform="ios", search_outcome="error"),
        where(**_SEARCH, client_platform="ios"), unit="share",
    ),
    "errors, others": Signal(
        "search.request.duration", share, where(**_SEARCH, client_platform="!ios", search_outcome="error"),
        where(**_SEARCH, client_platform="!ios"), unit="share",
    ),
    "errors of index": Signal(
        "search.request.duration", share, where(**_INDEX, search_outcome="error"), where(**_INDEX), unit="share",
    ),
    "empty index requests": Signal("search.request.empty", rate, where(search_operation="index"), unit="/s"),
    "documents of index": Signal("search.request.documents", mean, where(search_operation="index"), unit="documents"),
    "size of index": Signal(
        "search.request.size", mean, where(search_operation="index", service_name="gateway"), unit="By"
    ),
    "qdrant_search, slower indexer": Signal(
        "search.stage.duration", slowest, where(search_stage="qdrant_search")
    ),
    "qdrant_search, faster indexer": Signal(
        "search.stage.duration", fastest, where(search_stage="qdrant_search")
    ),
    "forward, new version": Signal(
        "search.stage.duration", mean, where(search_stage="forward", service_version=NEW_VERSION)
    ),
    "forward, old version": Signal(
        "search.stage.duration", mean, where(search_stage="forward", service_version=f"!{NEW_VERSION}")
    ),
    "preprocess": Signal("search.stage.duration", mean, where(search_stage="preprocess")),
    "batch of pictures": Signal(
        "search.batch.size", mean, where(search_stage="encode_picture_batch"), unit="documents"
    ),
    "text queue, wait": Signal("search.queue.wait.duration", mean, where(search_stage="encode_text_batch")),
    "text queue, length": Signal("search.queue.length", most, where(search_stage="encode_text_batch"), unit="texts"),
    "index pool, in use": Signal("search.stage.active", most, where(search_stage="qdrant"), unit="threads"),
    "index pool, wait": Signal("search.queue.wait.duration", mean, where(search_stage="qdrant")),
    "cache hits": Signal(
        "search.cache.lookups", share, where(search_cache_outcome="hit"), lambda _: True, unit="share"
    ),
    "failed exports": Signal(
        "search.telemetry.export.duration", number, lambda series: "error.type" in series["attributes"], unit="exports"
    ),
    "gap in metrics": Signal("search.telemetry.dropped", gap, where(service_name="gateway")),
}  # fmt: skip
"""By the name in the table of `docs/incidents.md`."""

MOVES: Final[Mapping[str, Mapping[str, int]]] = {
    "slow-replica": {"qdrant_search, slower indexer": 1},
    "tiny-batches": {"batch of pictures": -1},
    "pool-starvation": {"index pool, in use": 1, "index pool, wait": 1},
    "queue-saturation": {"text queue, length": 1, "text queue, wait": 1},
    "chile-slow-link": {"client minus request, cl": 1, "transit, cl": 1},
    "chile-slow-server": {"request duration, cl": 1},
    "platform-fails": {"errors, ios": 1},
    "empty-index": {"empty index requests": 1, "documents of index": -1},
    "oversize-documents": {"size of index": 1},
    "poison-documents": {"errors of index": 1},
    "slow-version": {"forward, new version": 1},
    "encoder-throttled": {"forward, new version": 1, "forward, old version": 1},
    "cold-cache": {"cache hits": -1},
    "collector-away": {"failed exports": 1, "gap in metrics": 1},
}
"""The signals that an incident must move: 1 up, -1 down."""

_CLIENT: Final = frozenset({"client duration, cl", "client duration, others"})
_REQUEST: Final = frozenset({"request duration, cl", "request duration, others"})
_SEARCHES: Final = _CLIENT | _REQUEST
_FORWARD: Final = frozenset({"forward, new version", "forward, old version"})
_TEXTS: Final = frozenset({"text queue, wait", "text queue, length"})
_QDRANT: Final = frozenset({"qdrant_search, slower indexer", "qdrant_search, faster indexer"})
_PICTURES: Final = frozenset({"preprocess", "batch of pictures", "documents of index", "size of index"})

FOLLOWS: Final[Mapping[str, frozenset[str]]] = {
    "slow-replica": _SEARCHES,
    "tiny-batches": _SEARCHES | _FORWARD | _TEXTS | {"preprocess"},
    "pool-starvation": _SEARCHES | _QDRANT,
    "queue-saturation": _SEARCHES | _FORWARD | {"errors, ios", "errors, others"},
    "chile-slow-link": frozenset({"client duration, cl"}),
    "chile-slow-server": _CLIENT | _QDRANT,
    "platform-fails": _QDRANT,
    "empty-index": _PICTURES,
    "oversize-documents": _SEARCHES | _FORWARD | _TEXTS | _QDRANT | _PICTURES,
    "poison-documents": frozenset(),
    "slow-version": _SEARCHES | _TEXTS,
    "encoder-throttled": _SEARCHES | _TEXTS,
    "cold-cache": _SEARCHES | _TEXTS | _FORWARD | {"preprocess"},
    "collector-away": frozenset(),
}
"""Signals that may move as well, since what moves is a part or a cause of them; all others must not."""
