"""What is wrong with some requests, and which others they are compared with.

In: the requests of a time, and those of the same length of time before. Out: the problems, for each the requests that
have it, and the others. Four are measured against the time before:

- `failing`: requests that end with an error;
- `slow`: those that take longer, at their entry, than 95 % of those before of the same entry did (or 99 %, where the
  difference is larger there), and more than half as long again as the median;
- `on_the_way`: the same of the time between client and entry;
- `empty`: requests without documents.

A problem is new if it is at least three times as frequent as before, and by Fisher's exact test not by chance: since a
threshold is a value of the time before, this is the exceedance test, which is exact for any distribution; slow requests
that come in groups count less, by their dispersion before. Where it is not new, or too little is known of the time
before, requests are compared within the time: slow is then what is among the slowest 5 % of its entry and takes three
times the median; a share of failing or empty ones counts if it is certainly above 1 %. `changed` is the last: all
requests, beside those before, if they differ in anything else.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from statistics import median, variance
from typing import Final

from collector.analysis.suspects.proportions import Counts, chance, lower_bound, thinned, wilson

LEAST: Final = 5
"""The fewest requests that must have a problem."""
LEAST_BEFORE: Final = 40
"""The fewest requests of an entry that make a baseline."""
LEAST_OTHERS: Final = 30
"""The fewest requests of the same time without the problem to compare with, or a quarter as many as have it if more."""
GATE: Final = 0.00125
"""The level of each of the tests, at most eight: together 1 %."""
SLOTS: Final = 20
"""Parts of the time before, in which slow requests are counted: whether they come in groups."""
QUANTILES: Final = (0.95, 0.99)
"""A request is slow above these of the time before; the second finds what was slow already and becomes slower."""
TIMES: Final = 3.0
"""A problem is new if it is at least this many times as frequent as before."""
LONGER: Final = 1.5
"""A slow request takes at least this many times the median of the time before."""
MUCH_LONGER: Final = 3.0
"""The same, of the median of the same time."""
_CERTAIN_Z: Final = 1.96
_USUAL: Final = 0.01


class Problem(StrEnum):
    """What may be wrong with a request."""

    FAILING = "failing"
    SLOW = "slow"
    ON_THE_WAY = "on_the_way"
    EMPTY = "empty"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of a request before its spans are looked at."""

    trace_no: int
    """The number of its trace."""
    entry: str
    inside_ns: int | None
    """How long it took at its entry; None: not known."""
    way_ns: int | None
    """How much longer its client waited; None: not known."""
    outcome: str
    is_empty: bool
    waited_ns: int | None = None
    """How long its client waited in all; None: not known."""

    def time(self, problem: Problem) -> int | None:
        """The duration that a problem is about."""
        return self.inside_ns if problem is Problem.SLOW else self.way_ns

    @property
    def is_ok(self) -> bool:
        """Whether it ended well: the time that a failure took says little."""
        return self.outcome == "ok"


@dataclass(slots=True)
class Found:
    """A problem: who has it, against what it was measured."""

    problem: Problem
    is_new: bool
    """It is measured against the time before; else within the same time."""
    counts: Counts
    """Now, and before; without a baseline the second are 0."""
    thresholds: Mapping[str, int]
    """By entry, in nanoseconds; of `failing` and `empty` none."""
    matching: Sequence[Request] = ()
    others: Sequence[Request] = ()
    """The requests that attributes are compared with."""
    are_others_before: bool = False
    usual: Sequence[Request] = ()
    """The requests that times are compared with."""
    excess: float = field(default=0.0)
    """How far it is above what is usual; the problem with the greatest excess is chosen."""
    lost_ns: int = 0
    """By how much longer these requests take than the usual ones, all together."""
    before: int = LEAST_BEFORE
    """Requests of the time before, of the entry that is best known of those that have the problem."""

    @property
    def is_known(self) -> bool:
        """Whether enough is known of the time before to say if the problem is new."""
        return self.before >= LEAST_BEFORE


def measure(now: Sequence[Request], before: Sequence[Request]) -> Mapping[Problem, Found]:
    """The problems that requests have.

    Args:
        now: the requests in question.
        before: those of the time before.
    """
    found = {problem: _against_before(problem, now, before) or _within(problem, now) for problem in Problem}
    known = Counter(one.entry for one in before)
    for one in found.values():
        if one and not one.is_new:
            one.before = max(known[request.entry] for request in one.matching)
    return {problem: one for problem, one in found.items() if one}


def is_comparable(before: Iterable[Request]) -> bool:
    """Whether enough is known of the time before, of any entry."""
    return bool(_frequent(before))


def ranked(found: Mapping[Problem, Found]) -> list[Found]:
    """The one to look at first: a new one, of these failures; then what has changed; then what always is so.

    Whether slow requests or those long on the way come first is decided by which lose more time: within one time there
    are as many of both, since the slowest 5 % always are.
    """
    order = sorted(found.values(), key=_rank)
    times = [at for at, one in enumerate(order) if _is_time(one.problem)]
    if len(times) == 2 and (one := order[times[0]]).is_new == (other := order[times[1]]).is_new:
        order[times[0]], order[times[1]] = sorted((one, other), key=lambda each: -each.lost_ns)
    return order


def _rank(found: Found) -> tuple[bool, bool, bool, float]:
    is_changed = found.problem is Problem.CHANGED
    return not found.is_new, is_changed, found.problem is not Problem.FAILING, -found.excess


def _against_before(problem: Problem, now: Sequence[Request], before: Sequence[Request]) -> Found | None:
    if problem is Problem.CHANGED:
        return _changed(now, before)
    levels = QUANTILES if _is_time(problem) else QUANTILES[:1]
    found = [_above(problem, now, before, level) for level in levels]
    return max((one for one in found if one), key=lambda one: one.excess, default=None)


def _above(problem: Problem, now: Sequence[Request], before: Sequence[Request], level: float) -> Found | None:
    """The problem, if more have it than before; slow is what is above a quantile of those before."""
    thresholds = _thresholds(problem, before, level, LONGER, LEAST_BEFORE)
    entries = thresholds if _is_time(problem) else _frequent(before)
    matching, others = _split(problem, [one for one in now if one.entry in entries], thresholds)
    earlier, usual = _split(problem, [one for one in before if one.entry in entries], thresholds)
    counts = Counts(len(matching), len(matching) + len(others), len(earlier), len(earlier) + len(usual))
    if len(matching) < LEAST or counts.matching * counts.of_others < TIMES * counts.others * counts.of_matching:
        return None
    if chance(thinned(counts, _dispersion(problem, before))) > GATE:
        return None
    others = [one for one in others if one.is_ok]
    are_before = len(others) < max(LEAST_OTHERS, len(matching) / 4)
    usual = [one for one in usual if one.is_ok]
    excess = lower_bound(counts, GATE)
    compared = usual if are_before else others
    lost = _lost_ns(problem, matching, usual)
    return Found(problem, True, counts, thresholds, matching, compared, are_before, usual, excess, lost)


def _dispersion(problem: Problem, before: Sequence[Request]) -> float:
    """How much more slow requests come in groups than by chance: variance over mean of their number in `SLOTS` slots.

    A machine that stalls for a second makes all requests of that second slow; so they say less than as many apart.
    """
    if not _is_time(problem):
        return 1.0
    slow, _ = _split(problem, before, _thresholds(problem, before, QUANTILES[0], 0.0, LEAST_BEFORE))
    numbers = {one.trace_no for one in slow}
    length = max(len(before) / SLOTS, 1.0)
    counts = Counter(int(at / length) for at, one in enumerate(before) if one.trace_no in numbers)
    every = [counts[slot] for slot in range(SLOTS)]
    return max(1.0, variance(every) / (sum(every) / SLOTS)) if numbers else 1.0


def _changed(now: Sequence[Request], before: Sequence[Request]) -> Found | None:
    """All requests, compared with all before: attributes show whether they differ."""
    entries = _frequent(before)
    now, before = ([one for one in some if one.entry in entries] for some in (now, before))
    if len(now) < LEAST_BEFORE:
        return None
    return Found(Problem.CHANGED, True, Counts(len(now), len(now), 0, 0), {}, now, before, True, before)


def _within(problem: Problem, now: Sequence[Request]) -> Found | None:
    if problem is Problem.CHANGED:
        return None
    thresholds = _thresholds(problem, now, QUANTILES[0], MUCH_LONGER, 2 * LEAST)
    matching, others = _split(problem, now, thresholds)
    counts = Counts(len(matching), len(matching) + len(others), 0, 0)
    if len(matching) < LEAST:
        return None
    if not _is_time(problem) and wilson(len(matching), counts.of_matching, _CERTAIN_Z)[0] <= _USUAL:
        return None
    others = [one for one in others if one.is_ok]
    lost = _lost_ns(problem, matching, others)
    return Found(problem, False, counts, thresholds, matching, others, False, others, float(lost), lost)


def _lost_ns(problem: Problem, matching: Iterable[Request], usual: Iterable[Request]) -> int:
    """By how much longer some requests take than the median of the usual ones of their entry, all together."""
    medians = _thresholds(problem, usual, 0.5, 0.0, 1)
    return sum((one.time(problem) or 0) - medians.get(one.entry, 0) for one in matching) if medians else 0


def _is_time(problem: Problem) -> bool:
    return problem in {Problem.SLOW, Problem.ON_THE_WAY}


def _frequent(requests: Iterable[Request]) -> set[str]:
    counts: dict[str, int] = defaultdict(int)
    for one in requests:
        counts[one.entry] += 1
    return {entry for entry, count in counts.items() if count >= LEAST_BEFORE}


def _thresholds(
    problem: Problem, requests: Iterable[Request], level: float, times: float, least: int
) -> dict[str, int]:
    """The duration above which a request of an entry is slow: a quantile, and at least `LONGER` times the median."""
    if not _is_time(problem):
        return {}
    by_entry: dict[str, list[int]] = defaultdict(list)
    for one in requests:
        time = one.time(problem)
        if one.is_ok and time is not None:
            by_entry[one.entry].append(time)
    return {
        entry: max(_quantile(found, level), int(times * median(found)))
        for entry, found in by_entry.items()
        if len(found) >= least
    }


def _quantile(values: list[int], level: float) -> int:
    return sorted(values)[ceil(level * len(values)) - 1]


def _split(
    problem: Problem, requests: Iterable[Request], thresholds: Mapping[str, int]
) -> tuple[list[Request], list[Request]]:
    """Return the requests that have the problem, and those that do not; unknown ones are in neither list."""
    having: list[Request] = []
    others: list[Request] = []
    if problem is Problem.FAILING:
        for one in requests:
            (having if one.outcome == "error" else others).append(one)
    elif problem is Problem.EMPTY:
        for one in requests:
            (having if one.is_empty else others).append(one)
    else:
        for one in requests:
            time, threshold = one.time(problem), thresholds.get(one.entry)
            if one.is_ok and time is not None and threshold is not None:
                (having if time > threshold else others).append(one)
    return having, others
