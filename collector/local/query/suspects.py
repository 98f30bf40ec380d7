"""Finds suspects: what is wrong with some requests, where their time goes, and what they share.

In: a filter of traces, with its time. Out: the problem, suspect spans and suspect attributes, each in a sentence. The
decisions are those of `collector.analysis`; this module reads what they need, and a bounded sample of it.
"""

from collections.abc import Sequence
from functools import partial
from itertools import islice

from duckdb import DuckDBPyConnection

from collector.analysis.candidates import candidates
from collector.analysis.consequences import restates
from collector.analysis.problems import Found, Problem, Request, measure, ranked
from collector.analysis.suspects import LEAST_CHANGE, LEAST_DIFFERENCE, Suspect, suspects
from collector.analysis.where import Origin, PathTimes, origins, path_times
from collector.local.query.filters import TraceFilter
from collector.local.query.requests import before, requests
from collector.local.query.suspect_rows import (
    Baseline,
    ProblemRow,
    SuspectAttribute,
    Suspects,
    SuspectSample,
    SuspectSpan,
)
from collector.local.query.suspect_texts import (
    STAGE,
    attribute_sentence,
    filter_of,
    name_of,
    origin_sentence,
    problem_sentence,
    span_sentence,
)
from collector.local.query.trace_paths import trace_spans
from collector.local.query.trace_values import observed

MOST_COMPARED = 400
"""Requests of each group whose attributes are compared."""
MOST_CHANGED = 200
"""The same where nothing is wrong."""
MOST_PATHS = 120
"""Requests of each group whose critical paths are computed."""
MOST_SAME = 5


def find_suspects(
    connection: DuckDBPyConnection,
    wanted: TraceFilter,
    problem: Problem | None = None,
    limit: int = 10,
) -> Suspects:
    """The suspects of a time.

    Args:
        connection: to the store.
        wanted: the filter, with both ends of the time.
        problem: look for this one; None: for the greatest.
        limit: spans and attributes at most.
    """
    earlier = before(wanted)
    now, usual = requests(connection, wanted), requests(connection, earlier)
    measured = measure(now.rows, usual.rows)
    counts = {str(kind): one.counts.matching for kind, one in measured.items() if kind is not Problem.CHANGED}
    times = (earlier.since_ns, earlier.until_ns)
    looked = len(now.rows) + len(usual.rows), now.of + usual.of
    compared = tried = 0
    for found in ranked(measured):
        if problem not in {None, found.problem}:
            continue
        attributes, compared, tried = _attributes(connection, found, limit)
        if found.problem is Problem.CHANGED and not attributes:
            continue
        spans, paths = _spans(connection, found, limit)
        baseline = Baseline(_side(found.is_new), _side(found.are_others_before), *times)
        sample = SuspectSample(*looked, compared, paths, tried)
        return Suspects(_problem_row(found), baseline, counts, spans, attributes, sample)
    sample = SuspectSample(*looked, compared, 0, tried)
    return Suspects(None, Baseline(_side(bool(usual.rows)), "typical", *times), counts, [], [], sample)


def _side(is_before: bool) -> str:
    return "before" if is_before else "typical"


def _problem_row(found: Found) -> ProblemRow:
    counts = found.counts
    numbers = (counts.matching, counts.of_matching, counts.others, counts.of_others)
    return ProblemRow(found.problem, found.is_new, *numbers, found.thresholds, problem_sentence(found))


def _attributes(connection: DuckDBPyConnection, found: Found, limit: int) -> tuple[list[SuspectAttribute], int, int]:
    """The suspect attributes, how many requests were compared, and how many candidates."""
    most, least = MOST_COMPARED, LEAST_DIFFERENCE
    if found.problem is Problem.CHANGED:
        most, least = MOST_CHANGED, LEAST_CHANGE
    matching, others = _some(found.matching, most), _some(found.others, most)
    ids = [one.trace_no for one in (*matching, *others)]
    values = observed(connection, ids, partial(restates, found.problem))
    tried = list(candidates(values))
    first = (1 << len(matching)) - 1
    named = suspects(tried, first, (1 << len(ids)) - 1 - first, least)
    return [_attribute_row(one, found.problem) for one in named[:limit]], len(ids), len(tried)


def _attribute_row(one: Suspect, problem: Problem) -> SuspectAttribute:
    candidate, counts = one.candidate, one.counts
    return SuspectAttribute(
        candidate.stage,
        candidate.key,
        candidate.sign,
        str(candidate.value),
        counts.matching,
        counts.of_matching,
        counts.others,
        counts.of_others,
        round(counts.difference, 4),
        round(one.lower, 4),
        [name_of(same) for same in islice(one.same, MOST_SAME)],
        name_of(one.explained_by.candidate) if one.explained_by else None,
        filter_of(candidate),
        attribute_sentence(one, problem),
    )


def _spans(connection: DuckDBPyConnection, found: Found, limit: int) -> tuple[list[SuspectSpan], int]:
    """The suspect spans, and how many requests were looked at."""
    matching, usual = _some(found.matching, MOST_PATHS), _some(found.usual, MOST_PATHS)
    ids = [one.trace_no for one in (*matching, *usual)]
    spans = trace_spans(connection, ids)
    of_matching, of_usual = spans[: len(matching)], spans[len(matching) :]
    if found.problem is Problem.FAILING:
        return [_origin_row(one, len(matching)) for one in origins(of_matching)[:limit]], len(matching)
    if found.problem in {Problem.EMPTY, Problem.CHANGED}:
        return [], 0
    return [_span_row(one, found.problem) for one in path_times(of_matching, of_usual)[:limit]], len(ids)


def _span_row(one: PathTimes, problem: Problem) -> SuspectSpan:
    path = one.path
    times = (one.critical_ns, one.usual_critical_ns, one.saving_ns, one.usual_saving_ns, int(one.lower_ns))
    name = path.service + STAGE + path.operation
    return SuspectSpan(name, path.service, path.operation, path.is_way, *times, 0, 0, [], span_sentence(one, problem))


def _origin_row(one: Origin, of: int) -> SuspectSpan:
    path, types = one.path, [name for name, _ in one.types.most_common(5)]
    name, sentence = path.service + STAGE + path.operation, origin_sentence(one, of)
    return SuspectSpan(name, path.service, path.operation, False, 0, 0, 0, 0, 0, one.errors, of, types, sentence)


def _some(requests: Sequence[Request], most: int) -> list[Request]:
    """Evenly distributed ones, at most so many."""
    every = -(-len(requests) // most) or 1
    return list(requests[::every])
