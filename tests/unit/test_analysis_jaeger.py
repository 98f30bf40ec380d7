"""Our critical path beside Jaeger's: where they are equal, and each case in which they differ."""

from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.analysis.critical_path import critical_times
from collector.analysis.skew import align
from collector.analysis.tree import build
from tests.unit.jaeger_critical_path import jaeger_times
from tests.unit.traces_by_hand import SEARCH, Row, spans


def ours(*rows: Row) -> Mapping[str, int]:
    """Nanoseconds on the critical path by span, without those that have none; clocks are corrected first."""
    seen = spans(*rows)
    tree = align(build(seen), [span.kind for span in seen]).tree
    return {span.span_id: time for span, time in zip(seen, critical_times(tree), strict=True) if time}


def jaegers(*rows: Row) -> Mapping[str, int]:
    """The same by Jaeger's rule."""
    return {name: time for name, time in jaeger_times(spans(*rows)).items() if time}


ROOT: Row = ("r", None, "i", 0, 100)
EQUAL: dict[str, tuple[Row, ...]] = {
    "a search": tuple(SEARCH),
    "overlapping children: the one that ended last, not the earlier one": (
        ROOT,
        ("a", "r", "i", 10, 50),
        ("b", "r", "i", 40, 80),
    ),
    "a child that outlives its parent is cut": (ROOT, ("a", "r", "i", 60, 300)),
    "a child outside of its parent, with what is below it": (ROOT, ("a", "r", "i", 200, 300), ("b", "a", "i", 10, 20)),
}
DIFFERENT: dict[str, tuple[tuple[Row, ...], Mapping[str, int], Mapping[str, int]]] = {
    "of two children that touch, Jaeger leaves out the first: an end must be before the next start, not at it": (
        (ROOT, ("a", "r", "i", 10, 40), ("b", "r", "i", 40, 80)),
        {"r": 30, "a": 30, "b": 40},
        {"r": 60, "b": 40},
    ),
    "a server on another clock: Jaeger, which corrects none by default, leaves it out": (
        (("c", None, "c", 0, 100), ("s", "c", "s", 1000, 1080)),
        {"c": 20, "s": 80},
        {"c": 100},
    ),
    "a second root: Jaeger adds a path of its own, so that the shares sum to more than the trace": (
        (ROOT, ("o", "gone", "i", 20, 50)),
        {"r": 100},
        {"r": 100, "o": 30},
    ),
    "of two that end together, also where both were cut, ours takes the one that began first, Jaeger any": (
        (ROOT, ("b", "r", "i", 50, 120), ("a", "r", "i", 20, 130)),
        {"r": 20, "a": 80},
        {"r": 50, "b": 50},
    ),
    "a PRODUCER span: Jaeger takes it as beside the path": (
        (ROOT, ("p", "r", "p", 20, 50)),
        {"r": 70, "p": 30},
        {"r": 100},
    ),
}


@pytest.mark.parametrize("case", EQUAL)
def test_the_same_path_as_jaegers(case: str) -> None:
    """Span by span."""
    assert ours(*EQUAL[case]) == jaegers(*EQUAL[case])


@pytest.mark.parametrize("case", DIFFERENT)
def test_another_path_than_jaegers(case: str) -> None:
    """These are all the differences; docs/critical-path.md lists them."""
    rows, own, theirs = DIFFERENT[case]
    assert ours(*rows) == own
    assert jaegers(*rows) == theirs


shares = st.floats(0.01, 0.99)


@given(st.lists(st.tuples(st.integers(0, 10), shares, shares), max_size=12), st.data())
def test_for_any_trace_without_these_cases_the_paths_are_equal(
    drawn: list[tuple[int, float, float]], data: st.DataObject
) -> None:
    """One root, one clock, children inside of their parents, no two times that are the same."""
    rows: list[Row] = [("0", None, "i", 0, 10**18)]
    for number, (wanted, *where) in enumerate(drawn, 1):
        parent, _, _, parent_start, parent_end = rows[min(wanted, number - 1)]
        start, end = sorted(parent_start + int((parent_end - parent_start) * share) for share in where)
        rows.append((str(number), parent, "i", start, end))
    times = [time for row in rows for time in row[3:]]
    assume(len(set(times)) == len(times))
    shuffled = data.draw(st.permutations(rows))
    assert ours(*shuffled) == jaegers(*shuffled)
