"""Says suspects in plain sentences, and as terms of the filter language.

In: what the analysis found. Out: text, in which names from telemetry stand as they were sent.
"""

import re

from collector.analysis.suspects.attributes import Suspect
from collector.analysis.suspects.candidates import NUMBERED, PRESENT, STAGE, Candidate, last_word
from collector.analysis.suspects.problems import Found, Problem
from collector.analysis.suspects.where import Origin, PathTimes
from collector.local.query.suspects.rows import NAMES

_PLAIN = re.compile(r"[\w.:/+@-]+")
_SIGNS = {"=": "=", "≥": ">=", "<": "<"}
_DOING = {
    Problem.FAILING: "fail",
    Problem.SLOW: "are slow",
    Problem.ON_THE_WAY: "are long on the way",
    Problem.EMPTY: "have no documents",
    Problem.CHANGED: "",
}


def name_of(candidate: Candidate) -> str:
    """Such as `clip_encoder › encode › runtime = cpu`."""
    if candidate.key == PRESENT:
        return _having(candidate)
    return f"{candidate.stage}{STAGE}{candidate.key} {candidate.sign} {candidate.value}"


def attribute_sentence(one: Suspect, problem: Problem, *, is_before: bool = False) -> str:
    """`84 % of the slow requests have clip_encoder › runtime = cpu, 12 % of the others.`"""
    counts = one.counts
    first = _percent(counts.matching, counts.of_matching)
    second = _percent(counts.others, counts.of_others)
    also = f" (and {_short(one.same[0])})" if one.same and last_word(one.same[0].key) not in NUMBERED else ""
    requests = f"{NAMES[problem]} requests".strip()
    others = "those before" if is_before else "the others"
    return f"{first} of the {requests} have {_having(one.candidate)}{also}, {second} of {others}."


def _short(candidate: Candidate) -> str:
    return f"{candidate.key} {candidate.sign} {candidate.value}"


def _having(candidate: Candidate) -> str:
    if candidate.key != PRESENT:
        return name_of(candidate)
    if candidate.value == 1:
        return f"a span {candidate.stage}"
    return f"{candidate.value} or more spans {candidate.stage}"


def filter_of(candidate: Candidate) -> str:
    """The term that chooses traces with it; empty: the language cannot say it."""
    if candidate.key == PRESENT:
        service, _, operation = candidate.stage.partition(STAGE)
        return f"service={quoted(service)} operation={quoted(operation)}" if candidate.value == 1 else ""
    if candidate.key == "service.version" and STAGE not in candidate.stage:
        return f"version={quoted(f'{candidate.stage} {candidate.value}')}"
    key = (
        candidate.key
        if "." in candidate.key and _PLAIN.fullmatch(candidate.key)
        else quoted(candidate.key, always=True)
    )
    return f"{key}{_SIGNS[candidate.sign]}{quoted(str(candidate.value))}"


def quoted(text: str, *, always: bool = False) -> str:
    """Text as it stands in a filter: in quotes where it needs them, or always."""
    if _PLAIN.fullmatch(text) and not always:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def span_sentence(one: PathTimes, problem: Problem) -> str:
    """`The slow requests wait 203 ms for qdrant_indexer › qdrant_search, usual ones 2 ms.`"""
    what = "on the way of" if one.path.is_way else "for"
    where = f"{one.path.service}{STAGE}{one.path.operation}"
    usual = _duration(one.usual_critical_ns)
    return f"The {NAMES[problem]} requests wait {_duration(one.critical_ns)} {what} {where}, usual ones {usual}."


def origin_sentence(one: Origin, of: int) -> str:
    """`In 31 of 31 failing requests the error begins in qdrant_indexer › qdrant_search: ValueError.`"""
    where = f"{one.path.service}{STAGE}{one.path.operation}"
    types = ", ".join(name for name, _ in one.types.most_common(3))
    return f"In {one.errors} of {of} failing requests the error begins in {where}{types and f': {types}'}."


def problem_sentence(found: Found) -> str:
    """`8 % of the requests are slow, 1 % of those before.`"""
    counts = found.counts
    if found.problem is Problem.CHANGED:
        return "The requests are as fast as before, and end as before, but they differ."
    now = f"{_percent(counts.matching, counts.of_matching)} of the requests {_DOING[found.problem]}"
    if found.is_new:
        return f"{now}, {_percent(counts.others, counts.of_others)} of those before."
    if found.problem in {Problem.SLOW, Problem.ON_THE_WAY}:
        now += ": more than three times the median"
    if found.is_known:
        return f"{now}. That is not clearly more than before."
    return f"{now}. There is {'too little' if found.before else 'nothing'} before to compare with."


def _percent(count: int, of: int) -> str:
    share = 100 * count / max(of, 1)
    return f"{share:.0f} %" if share in {0, 100} or 1 <= share <= 99 else f"{share:.1f} %"


def _duration(nanoseconds: float) -> str:
    if nanoseconds < 1e9:
        value = nanoseconds / 1e6
        return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
    return f"{nanoseconds / 1e9:.1f} s"
