"""Finds suspects: what is wrong with some requests, where their time goes, and what they share.

In: a filter of traces, with its time. Out: the problem, suspect spans and suspect attributes, each in a sentence. The
decisions are those of `collector.analysis`; this module reads what they need, and a bounded sample of it.
"""

from duckdb import DuckDBPyConnection

from collector.analysis.suspects.candidates import STAGE
from collector.analysis.suspects.problems import Found, Problem, is_comparable, measure, ranked
from collector.analysis.suspects.where import Origin, PathTimes, origins, path_times
from collector.local.query.lookup.filters import TraceFilter
from collector.local.query.suspects.attributes import side, some, suspect_attributes
from collector.local.query.suspects.paths import trace_spans
from collector.local.query.suspects.requests import before, requests
from collector.local.query.suspects.rows import (
    Baseline,
    ProblemRow,
    Suspects,
    SuspectSample,
    SuspectSpan,
)
from collector.local.query.suspects.texts import (
    origin_sentence,
    problem_sentence,
    span_sentence,
)

MOST_PATHS = 90
"""Requests of each group whose critical paths are computed."""


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
        spans, paths = _spans(connection, found, limit)
        waited_for = spans[0].service if spans and not spans[0].is_way else None
        attributes, compared, tried = suspect_attributes(connection, found, limit, waited_for)
        if found.problem is Problem.CHANGED and not attributes:
            continue
        baseline = Baseline(side(found.is_new), side(found.are_others_before), *times)
        sample = SuspectSample(*looked, compared, paths, tried)
        return Suspects(_problem_row(found), baseline, counts, spans, attributes, sample)
    sample = SuspectSample(*looked, compared, 0, tried)
    return Suspects(None, Baseline(side(is_comparable(usual.rows)), "typical", *times), counts, [], [], sample)


def _problem_row(found: Found) -> ProblemRow:
    counts = found.counts
    numbers = (counts.matching, counts.of_matching, counts.others, counts.of_others)
    return ProblemRow(found.problem, found.is_new, found.is_known, *numbers, found.thresholds, problem_sentence(found))


def _spans(connection: DuckDBPyConnection, found: Found, limit: int) -> tuple[list[SuspectSpan], int]:
    """The suspect spans, and how many requests were looked at."""
    if found.problem in {Problem.EMPTY, Problem.CHANGED}:
        return [], 0
    matching, usual = some(found.matching, MOST_PATHS), some(found.usual, MOST_PATHS)
    ids = [one.trace_no for one in (*matching, *usual)]
    spans = trace_spans(connection, ids, with_types=found.problem is Problem.FAILING)
    of_matching, of_usual = spans[: len(matching)], spans[len(matching) :]
    if found.problem is Problem.FAILING:
        return [_origin_row(one, len(matching)) for one in origins(of_matching)[:limit]], len(matching)
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
