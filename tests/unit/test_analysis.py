"""Self time and critical path, on traces drawn by hand and on random ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.analysis.critical_path import critical_times
from collector.analysis.self_time import self_times
from collector.analysis.tree import Tree, build


@dataclass(frozen=True)
class Timed:
    """A span reduced to what the analyses read."""

    span_id: str
    parent_span_id: str | None
    start_unix_ns: int
    end_unix_ns: int


def tree_of(*rows: tuple[str, str | None, int, int]) -> Tree:
    """Times are from a moment after 1970, so that 0 is a time and -1 is not."""
    return build([Timed(span_id, parent, start + 1, end + 1) for span_id, parent, start, end in rows])


def by_name(rows: Sequence["Row"], values: list[int]) -> dict[str, int]:
    return {row[0]: value for row, value in zip(rows, values, strict=True)}


HAND_DRAWN = {
    "a lone span is all its own": (
        (("a", None, 0, 10),),
        {"a": 10},
        {"a": 10},
    ),
    "children one after the other are both on the path": (
        (("a", None, 0, 10), ("b", "a", 1, 4), ("c", "a", 5, 9)),
        {"a": 3, "b": 3, "c": 4},
        {"a": 3, "b": 3, "c": 4},
    ),
    "of two that overlap, the one that finished last is waited for": (
        (("a", None, 0, 10), ("b", "a", 1, 8), ("c", "a", 2, 9)),
        {"a": 2, "b": 7, "c": 7},
        {"a": 3, "b": 0, "c": 7},
    ),
    "a child of one that is beside the path is not on it either": (
        (("a", None, 0, 10), ("b", "a", 1, 8), ("d", "b", 2, 7), ("c", "a", 2, 9)),
        {"a": 2, "b": 2, "d": 5, "c": 7},
        {"a": 3, "b": 0, "d": 0, "c": 7},
    ),
    "a child that outlives its parent counts up to the parent's end": (
        (("a", None, 0, 10), ("b", "a", 6, 30)),
        {"a": 6, "b": 24},
        {"a": 6, "b": 4},
    ),
    "a child whose clock runs ahead of its parent's takes nothing": (
        (("a", None, 10, 20), ("b", "a", 0, 5)),
        {"a": 10, "b": 5},
        {"a": 10, "b": 0},
    ),
    "a child that begins before its parent is clipped to it": (
        (("a", None, 10, 20), ("b", "a", 5, 15)),
        {"a": 5, "b": 10},
        {"a": 5, "b": 5},
    ),
    "a span without duration takes no time": (
        (("a", None, 0, 10), ("b", "a", 5, 5)),
        {"a": 10, "b": 0},
        {"a": 10, "b": 0},
    ),
    "a span without an end lasts no time": (
        (("a", None, 100, 110), ("b", "a", 105, 0)),
        {"a": 10, "b": 0},
        {"a": 10, "b": 0},
    ),
    "a span whose parent is missing is a root of its own, off the path of the true root": (
        (("b", "gone", 0, 5), ("a", None, 2, 10)),
        {"a": 8, "b": 5},
        {"a": 8, "b": 0},
    ),
    "a circle is opened at its earliest span": (
        (("b", "a", 2, 5), ("a", "b", 1, 6), ("c", "b", 3, 4)),
        {"a": 2, "b": 2, "c": 1},
        {"a": 2, "b": 2, "c": 1},
    ),
    "a span that names itself as its parent is a root": (
        (("a", "a", 0, 4),),
        {"a": 4},
        {"a": 4},
    ),
}


@pytest.mark.parametrize("case", HAND_DRAWN)
def test_self_and_critical_time_of_hand_drawn_traces(case: str) -> None:
    """Each trace has exactly the self times and critical times that its name explains."""
    rows, self_time, critical = HAND_DRAWN[case]
    tree = tree_of(*rows)
    assert by_name(rows, self_times(tree)) == self_time
    assert by_name(rows, critical_times(tree)) == critical


def test_of_two_spans_with_one_id_the_earliest_is_the_parent() -> None:
    """A client and a server span that share an id, as Zipkin's do, both stay, and nothing is counted twice."""
    tree = tree_of(("a", None, 0, 10), ("a", None, 1, 9), ("b", "a", 2, 3))
    assert [list(children) for children in tree.children] == [[2], [], []]
    assert list(tree.roots) == [0, 1]


def test_tree_order_puts_parents_before_children_and_siblings_by_start() -> None:
    """The order is that of a reader: depth first, earliest first, orphans after the true root."""
    tree = tree_of(
        ("late", "a", 5, 6), ("orphan", "gone", 0, 1), ("early", "a", 2, 3), ("leaf", "early", 2, 3), ("a", None, 1, 9)
    )
    assert tree.order == [(4, 0), (2, 1), (3, 2), (0, 1), (1, 0)]


def test_a_chain_of_ten_thousand_spans_is_walked() -> None:
    """Depth is bounded by memory, not by Python's recursion limit."""
    size = 10_000
    tree = tree_of(*[(str(i), str(i - 1) if i else None, i, 3 * size - i) for i in range(size)])
    assert sum(critical_times(tree)) == 3 * size
    assert tree.order[-1] == (size - 1, size - 1)


Row = tuple[str, str | None, int, int]
names = st.sampled_from("abcdefghij")
rows_of_any_trace = st.lists(
    st.tuples(names, st.none() | names | st.just("gone"), st.integers(-1, 50), st.integers(-1, 50)),
    min_size=1,
    max_size=25,
)


@given(rows_of_any_trace)
def test_every_span_is_reached_exactly_once_whatever_the_trace_looks_like(
    rows: list[Row],
) -> None:
    """Missing parents, doubled ids and circles lose no span and repeat none."""
    tree = tree_of(*rows)
    assert sorted(index for index, _ in tree.order) == list(range(len(rows)))


@given(rows_of_any_trace)
def test_critical_times_sum_to_the_root_and_self_times_stay_within_the_span(
    rows: list[Row],
) -> None:
    """Both are shares of something real: of the root's duration, and of each span's own."""
    tree = tree_of(*rows)
    durations = [end - start for start, end in zip(tree.starts, tree.ends, strict=True)]
    critical = critical_times(tree)
    assert sum(critical) == durations[tree.root]
    assert all(0 <= value <= duration for value, duration in zip(critical, durations, strict=True))
    assert all(0 <= value <= duration for value, duration in zip(self_times(tree), durations, strict=True))


@given(rows_of_any_trace)
def test_self_time_is_what_counting_the_moments_gives(rows: list[Row]) -> None:
    """The union of the children, found by counting every nanosecond in which no child was running."""
    tree = tree_of(*rows)
    for index, own in enumerate(self_times(tree)):
        moments = set(range(tree.starts[index], tree.ends[index]))
        for child in tree.children[index]:
            moments -= set(range(tree.starts[child], tree.ends[child]))
        assert own == len(moments)


@given(st.permutations(range(8)), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=8, max_size=8))
def test_the_order_of_arrival_changes_nothing(order: list[int], times: list[tuple[int, int]]) -> None:
    """Spans arrive in any order; the answer for each span is the same."""
    rows = [(str(i), str(i // 2) if i else None, min(t), max(t)) for i, t in enumerate(times)]
    shuffled = [rows[i] for i in order]
    for analysis in (self_times, critical_times):
        assert by_name(tuple(rows), analysis(tree_of(*rows))) == by_name(tuple(shuffled), analysis(tree_of(*shuffled)))
