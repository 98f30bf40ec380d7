"""Suspect attributes: what the traces with a problem have more often than others, and not by chance.

In: candidates, and which traces have the problem. Out: those whose share is larger, ranked by the lower bound of the
difference. Of a healthy system the answer is empty: in at most a share `ALPHA` of the answers anything is named that
has nothing to do with the problem, however many candidates there are (see `proportions.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.analysis.suspects.candidates import PRESENT, STAGE, Candidate, Value, last_word
from collector.analysis.suspects.proportions import Counts, chance, corrected, least_chance, lower_bound, thinned

ALPHA: Final = 0.02
"""The share of comparisons in a healthy system in which something is named at most.

An answer makes at most two of them, and asks before whether anything is new, at 1 %: together 5 %.
"""
LEAST_MATCHING: Final = 3
"""The fewest traces with the problem that must have a suspect."""
LEAST_DIFFERENCE: Final = 0.1
"""The smallest difference of the two shares."""
LEAST_CHANGE: Final = 0.25
"""The same where nothing is wrong: the mix of requests is never quite that of before."""
_IDS: Final = {"id": 1, "pid": 2, "port": 3, "address": 3}
"""The last words of keys that identify a process, the plainest first."""
NEARER: Final = 0.05
"""An attribute of the service that the requests wait for comes before others that are surer by no more than this.

Two replicas that take turns with two versions look alike: where the time goes tells them apart.
"""
RESTATED: Final = 0.15
"""So much surer must be that a span of that service is there, to come before others: who waits for it has it."""
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
    is_near: bool = False
    """The service that the requests wait for has it."""
    explained_by: "Suspect | None" = None
    """A stronger suspect, without which nothing is left of this one."""


def suspects(
    found: Iterable[Candidate],
    matching: int,
    others: int,
    least_difference: float = LEAST_DIFFERENCE,
    waited_for: str | None = None,
) -> list[Suspect]:
    """The suspects; those that a stronger one explains come last.

    Args:
        found: the candidates.
        matching: the traces with the problem, as bits.
        others: those that they are compared with.
        least_difference: by so much the two shares must differ.
        waited_for: the service where the requests lose their time; what it has is preferred.
    """
    equal = _by_traces(found, matching | others)
    tested = {mask: _counts(mask, matching, others) for mask in equal}
    tested = {mask: counts for mask, counts in tested.items() if _is_frequent(counts)}
    thin = {mask: thinned(counts, min(one.repeats for one in equal[mask])) for mask, counts in tested.items()}
    level = corrected(map(least_chance, thin.values()), ALPHA)
    named: list[Suspect] = []
    for mask, counts in tested.items():
        if counts.matching < LEAST_MATCHING or counts.difference < least_difference:
            continue
        lower = lower_bound(thin[mask], level)
        likely = chance(thin[mask]) if lower > 0 else 1.0
        if likely <= level:
            first, *same = _in_order(equal[mask], waited_for)
            is_near = any(_is_of(waited_for, one) for one in equal[mask])
            named.append(Suspect(first, counts, lower, likely, _distinct(same, first), is_near))
    named.sort(key=lambda one: (-_sureness(one), _plainness(one.candidate)))
    return _explained_last(_best_thresholds(named), matching, others)


def _by_traces(found: Iterable[Candidate], compared: int) -> dict[int, list[Candidate]]:
    """The candidates by the traces that they hold for: those with the same traces are one test."""
    equal: dict[int, list[Candidate]] = {}
    for candidate in found:
        equal.setdefault(candidate.traces & compared, []).append(candidate)
    return equal


def _counts(mask: int, matching: int, others: int) -> Counts:
    return Counts((mask & matching).bit_count(), matching.bit_count(), (mask & others).bit_count(), others.bit_count())


def _is_frequent(counts: Counts) -> bool:
    """Whether enough traces have it, wherever they are, and not all of them."""
    having = counts.matching + counts.others
    return LEAST_MATCHING <= having < counts.of_matching + counts.of_others


def _plainness(candidate: Candidate) -> tuple[bool, int, bool]:
    """The order of candidates that say the same: the plainest is shown, the first of several.

    That a span is there rather than what it has, then a name rather than an id, then a value rather than a threshold.
    """
    return candidate.key != PRESENT, _IDS.get(last_word(candidate.key), 0), candidate.sign != "="


def _in_order(equal: Sequence[Candidate], waited_for: str | None) -> list[Candidate]:
    """The plainest first; what only the service has that is waited for before what others have."""
    elsewhere = {_said(one) for one in equal if not _is_of(waited_for, one)}

    def order(one: Candidate) -> tuple[bool, bool, tuple[bool, int, bool]]:
        return one.key != PRESENT, not _is_of(waited_for, one) or _said(one) in elsewhere, _plainness(one)

    return sorted(equal, key=order)


def _sureness(one: Suspect) -> float:
    """How sure it is, for the order: with the preference for what the service has that is waited for."""
    if not one.is_near:
        return one.lower
    return one.lower - RESTATED if one.candidate.key == PRESENT else one.lower + NEARER


def _is_of(service: str | None, candidate: Candidate) -> bool:
    """Whether a service has it."""
    return candidate.stage.partition(STAGE)[0] == service


def _distinct(same: Iterable[Candidate], first: Candidate) -> list[Candidate]:
    """Leave out what says the same of another stage; if a span's presence is a suspect, its attributes add nothing."""
    if first.key == PRESENT:
        return []
    found = {_said(candidate): candidate for candidate in reversed(list(same))}
    found.pop(_said(first), None)
    return [candidate for candidate in reversed(found.values()) if candidate.key != PRESENT]


def _said(candidate: Candidate) -> tuple[str, str, Value]:
    return candidate.key, candidate.sign, candidate.value


def _best_thresholds(named: Iterable[Suspect]) -> list[Suspect]:
    """Keep only the strongest of the thresholds of one number."""
    found: dict[tuple[str, str, bool, Value], Suspect] = {}
    for one in named:
        candidate = one.candidate
        is_value = candidate.sign == "="
        found.setdefault((candidate.stage, candidate.key, is_value, candidate.value if is_value else 0), one)
    return list(found.values())


def _explained_last(named: list[Suspect], matching: int, others: int) -> list[Suspect]:
    """Find whom a stronger suspect explains: among the traces with that one, and without, it is not more frequent.

    One that is a part of the stronger one, and one that says the same of another stage, is left out.
    """
    independent: list[Suspect] = []
    explained: list[Suspect] = []
    for one in named:
        one.explained_by = next((by for by in independent if _explains(by, one, matching, others)), None)
        if one.explained_by is None:
            independent.append(one)
        elif not _is_part(one.explained_by, one):
            explained.append(one)
    return independent + explained


def _is_part(by: Suspect, one: Suspect) -> bool:
    said = {_said(candidate) for candidate in (by.candidate, *by.same)}
    return _said(one.candidate) in said or one.candidate.traces & ~by.candidate.traces == 0


def _explains(by: Suspect, one: Suspect, matching: int, others: int) -> bool:
    having = by.candidate.traces
    strata = ((matching & having, others & having), (matching & ~having, others & ~having))
    return all(chance(_counts(one.candidate.traces, *stratum)) > EXPLAINED for stratum in strata)
