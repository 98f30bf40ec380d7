"""Finds what requests with a problem have more often than others, and, if the problem is new, than those before.

In: the problem with its requests. Out: rows of the answer, the surest first, of a sample of the requests.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from random import Random

from duckdb import DuckDBPyConnection

from collector.analysis.suspects.attributes import LEAST_CHANGE, LEAST_DIFFERENCE, Suspect, suspects
from collector.analysis.suspects.candidates import Candidate, Observed, candidates
from collector.analysis.suspects.consequences import restates
from collector.analysis.suspects.problems import Found, Problem, Request
from collector.analysis.suspects.processes import identifies_process, side_by_side
from collector.local.query.suspects.rows import SuspectAttribute
from collector.local.query.suspects.texts import attribute_sentence, filter_of, name_of
from collector.local.query.suspects.values import observed

MOST_COMPARED = 350
"""Requests of each group whose attributes are compared."""
MOST_CHANGED = 200
"""The same of those before, beside others of the same time; and where nothing is wrong."""
MOST_SAME = 5
RUN = 16
"""Of many requests, so many that follow each other are chosen together: their spans lie together in the store."""
LEAST_FOR_RUNS = 4
"""Of fewer times as many as are chosen, single ones are."""


def suspect_attributes(
    connection: DuckDBPyConnection, found: Found, limit: int, waited_for: str | None = None
) -> tuple[list[SuspectAttribute], int, int]:
    """The suspect attributes, how many requests were compared, and how many candidates.

    What all requests have now and few had before tells the slow ones from those before, but not from the others of the
    same time: a version that was just rolled out. So a new problem is compared with both.

    Args:
        connection: to the store.
        found: the problem.
        limit: attributes at most.
        waited_for: the service where these requests lose most of their time, or fail: of suspects that are about as
            sure, its own come first.
    """
    is_changed = found.problem is Problem.CHANGED
    most = MOST_CHANGED if is_changed else MOST_COMPARED
    matching, others = some(found.matching, most, in_runs=True), some(found.others, most, in_runs=True)
    before = some(found.usual, MOST_CHANGED, in_runs=True) if found.is_new and not found.are_others_before else []
    numbers = [one.trace_no for one in (*matching, *others, *before)]
    values = observed(connection, numbers, partial(restates, found.problem))
    first, second, third = _masks(len(matching), len(others), len(before))
    tried = list(candidates(_of_replicas(values, numbers, first | second)))
    lasting = [one for one in tried if not identifies_process(one.key)]
    among = lasting if found.are_others_before else tried
    named = suspects(among, first, second, LEAST_CHANGE if is_changed else LEAST_DIFFERENCE, waited_for)
    changed = suspects(lasting, first, third, LEAST_CHANGE, waited_for) if before else []
    rows = _rows(named, found.problem, is_before=found.are_others_before)
    known = {(said.key, said.sign, str(said.value)) for one in named for said in (one.candidate, *one.same)}
    more = _rows(changed, found.problem, is_before=True)
    rows += [row for row in more if (row.key, row.sign, row.value) not in known]
    return sorted(rows, key=lambda row: row.explained_by is not None)[:limit], len(numbers), len(tried)


def _of_replicas(found: Observed, numbers: Sequence[int], compared: int) -> Observed:
    """Without the names of processes that did not serve beside another; numbers of traces grow with time."""
    return {
        (stage, key): side_by_side({value: mask & compared for value, mask in values.items()}, numbers)
        if identifies_process(key)
        else values
        for (stage, key), values in found.items()
    }


def side(is_before: bool) -> str:
    """The name of those that are compared with."""
    return "before" if is_before else "typical"


def some(requests: Sequence[Request], most: int, *, in_runs: bool = False) -> list[Request]:
    """Evenly distributed ones, at most so many; of many, in runs if that is wanted.

    Which one of so many that follow each other is by chance, the same each time: replicas that take turns would all be
    missed but one if it were always the first.
    """
    every = -(-len(requests) // most) or 1
    if every == 1:
        return list(requests)
    if every < LEAST_FOR_RUNS or not in_runs:
        chance = Random(len(requests))  # noqa: S311 (not for secrets)
        groups = (requests[at : at + every] for at in range(0, len(requests), every))
        return [chance.choice(group) for group in groups]
    return [one for at in range(0, len(requests), every * RUN) for one in requests[at : at + RUN]][:most]


def _masks(*lengths: int) -> Iterable[int]:
    """Bits of so many traces each, one group after the other."""
    begin = 0
    for length in lengths:
        yield ((1 << length) - 1) << begin
        begin += length


def _rows(named: Iterable[Suspect], problem: Problem, *, is_before: bool) -> list[SuspectAttribute]:
    return [_row(one, one.candidate, problem, is_before) for one in named]


def _row(one: Suspect, candidate: Candidate, problem: Problem, is_before: bool) -> SuspectAttribute:
    counts = one.counts
    return SuspectAttribute(
        stage=candidate.stage,
        key=candidate.key,
        sign=candidate.sign,
        value=str(candidate.value),
        matching=counts.matching,
        of_matching=counts.of_matching,
        others=counts.others,
        of_others=counts.of_others,
        against=side(is_before),
        score=round(counts.difference, 4),
        lower=round(one.lower, 4),
        same=[name_of(same) for same in islice(one.same, MOST_SAME)],
        explained_by=name_of(one.explained_by.candidate) if one.explained_by else None,
        filter=filter_of(candidate),
        sentence=attribute_sentence(one, problem, is_before=is_before),
    )
