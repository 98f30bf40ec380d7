"""Suspect attributes: what the traces with a problem have more often than others, and not by chance.

In: candidates, and which traces have the problem. Out: those whose share is larger, ranked by the lower bound of the
difference. Of a healthy system the answer is empty: in at most a share `ALPHA` of the answers anything is named that
has nothing to do with the problem, however many candidates there are (see `proportions.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.analysis.candidates import PRESENT, Candidate
from collector.analysis.proportions import Counts, chance, corrected, least_chance, lower_bound

ALPHA: Final = 0.05
"""The share of answers about a healthy system in which something is named at most."""
LEAST_MATCHING: Final = 3
"""So many of the traces with the problem must have it."""
LEAST_DIFFERENCE: Final = 0.1
"""By so much the two shares must differ."""
EXPLAINED: Final = 0.01
"""Among traces that agree in a stronger suspect, a weaker one must still be as unlikely as this to be of its own."""


@dataclass(slots=True)
class Suspect:
    """One suspect. `same` are other candidates that hold for exactly the same traces."""

    candidate: Candidate
    counts: Counts
    lower: float
    """The lower bound of the difference of the shares."""
    chance: float
    same: Sequence[Candidate] = field(default_factory=list)
    explained_by: "Suspect | None" = None
    """A stronger suspect, without which nothing is left of this one."""


def suspects(found: Iterable[Candidate], matching: int, others: int) -> list[Suspect]:
    """The suspects; those that a stronger one explains come last.

    Args:
        found: the candidates.
        matching: the traces with the problem, as bits.
        others: those that they are compared with.
    """
    equal = _by_traces(found, matching | others)
    tested = {mask: _counts(mask, matching, others) for mask in equal}
    tested = {mask: counts for mask, counts in tested.items() if _is_frequent(counts)}
    level = corrected(map(least_chance, tested.values()), ALPHA)
    named: list[Suspect] = []
    for mask, counts in tested.items():
        if counts.matching < LEAST_MATCHING or counts.difference < LEAST_DIFFERENCE:
            continue
        lower, likely = lower_bound(counts, level), chance(counts)
        if lower > 0 and likely <= level:
            first, *same = sorted(equal[mask], key=_plainness)
            named.append(Suspect(first, counts, lower, likely, same))
    named.sort(key=lambda one: (-one.lower, _plainness(one.candidate)))
    return _explained_last(named, matching, others)


def _by_traces(found: Iterable[Candidate], compared: int) -> dict[int, list[Candidate]]:
    """The candidates by the traces that they hold for: those with the same traces are one test."""
    equal: dict[int, list[Candidate]] = {}
    for candidate in found:
        equal.setdefault(candidate.traces & compared, []).append(candidate)
    return equal


def _counts(mask: int, matching: int, others: int) -> Counts:
    return Counts(
        (mask & matching).bit_count(), matching.bit_count(), (mask & others).bit_count(), others.bit_count()
    )


def _is_frequent(counts: Counts) -> bool:
    """Whether enough traces have it, wherever they are, and not all of them."""
    having = counts.matching + counts.others
    return LEAST_MATCHING <= having < counts.of_matching + counts.of_others


def _plainness(candidate: Candidate) -> tuple[bool, bool, bool, int, str, str]:
    """Of candidates that say the same the plainest is shown: a name rather than an id, a value than a threshold."""
    last = candidate.key.replace("_", ".").rpartition(".")[2]
    is_id = last in {"id", "pid", "port", "address"}
    return is_id, candidate.sign != "=", candidate.key == PRESENT, len(candidate.stage), candidate.stage, candidate.key


def _explained_last(named: list[Suspect], matching: int, others: int) -> list[Suspect]:
    """Find whom a stronger suspect explains: among the traces with that one, and without, it is not more frequent."""
    independent: list[Suspect] = []
    explained: list[Suspect] = []
    for one in named:
        one.explained_by = next((by for by in independent if _explains(by, one, matching, others)), None)
        (independent if one.explained_by is None else explained).append(one)
    return independent + explained


def _explains(by: Suspect, one: Suspect, matching: int, others: int) -> bool:
    having = by.candidate.traces
    strata = ((matching & having, others & having), (matching & ~having, others & ~having))
    return all(chance(_counts(one.candidate.traces, *stratum)) > EXPLAINED for stratum in strata)
