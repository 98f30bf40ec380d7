"""The saving potential, on trees drawn by hand: what a trace would last without a stage."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import assume, given

from collector.analysis.critical_path import critical_times
from collector.analysis.saving import duration_without, lay_out, savings
from collector.analysis.tree import build
from tests.unit.traces_by_hand import ANY_ROWS, Row, spans

ROOT: Row = ("root", None, "i", 0, 100)

BY_HAND: dict[str, tuple[tuple[Row, ...], Mapping[str, int]]] = {
    "alone, a span saves all that it takes": ((ROOT,), {"root": 100}),
    "one after the other, each saves its time": (
        (ROOT, ("a", "root", "i", 10, 40), ("b", "root", "i", 50, 90)),
        {"a": 30, "b": 40, "root": 30},
    ),
    "of two at the same time, the longer one saves what the other does not take": (
        (ROOT, ("a", "root", "i", 10, 90), ("b", "root", "i", 10, 60)),
        {"a": 30, "b": 0, "root": 20},
    ),
    "of two that take equally long, none saves anything": (
        (ROOT, ("a", "root", "i", 10, 90), ("b", "root", "i", 10, 90)),
        {"a": 0, "b": 0},
    ),
    "a third after two at the same time waits for both": (
        (ROOT, ("a", "root", "i", 0, 60), ("b", "root", "i", 0, 40), ("c", "root", "i", 60, 100)),
        {"a": 20, "b": 0, "c": 40},
    ),
    "two stages at the same time, together as one, save both": (
        (ROOT, ("a1", "root", "i", 10, 90), ("a2", "root", "i", 10, 60)),
        {"a": 80},
    ),
    "a stage's own time goes, what it calls stays": (
        (ROOT, ("a", "root", "i", 0, 100), ("b", "a", "i", 20, 70)),
        {"a": 50, "b": 50, "root": 0},
    ),
    "a parallel branch inside of a child": (
        (ROOT, ("p", "root", "i", 0, 100), ("a", "p", "i", 0, 100), ("b", "p", "i", 0, 30), ("c", "p", "i", 30, 80)),
        {"a": 20, "b": 0, "c": 0, "p": 0},
    ),
    "two chains beside each other: the shorter one becomes the path": (
        (
            ROOT,
            ("x", "root", "i", 0, 20),
            ("a1", "root", "i", 20, 50),
            ("a2", "root", "i", 50, 100),
            ("y", "root", "i", 0, 30),
            ("c", "root", "i", 30, 80),
        ),
        {"a": 20, "x": 20, "y": 0, "c": 0},
    ),
    "what outlives its parent saves up to the parent's end": (
        (ROOT, ("a", "root", "i", 60, 300)),
        {"a": 40, "root": 60},
    ),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_savings_of_trees_drawn_by_hand(case: str) -> None:
    """A stage is an id without its number."""
    rows, expected = BY_HAND[case]
    seen = spans(*rows)
    tree = build(seen)
    stages = [span.span_id.rstrip("0123456789") for span in seen]
    times = Counter[str]()
    for stage, time in zip(stages, critical_times(tree), strict=True):
        times[stage] += time
    found = savings(tree, stages, +times)
    assert {stage: found.get(stage, 0) for stage in expected} == expected


@given(ANY_ROWS)
def test_the_layout_is_the_trace(rows: list[Row]) -> None:
    """Without nothing it reproduces the root's duration, whatever the trace looks like; without everything it is 0."""
    tree = build(spans(*rows))
    whole = tree.ends[tree.root] - tree.starts[tree.root]
    laid = lay_out(tree)
    assert duration_without(laid, ["a"] * len(rows), "b") == whole
    assert duration_without(laid, ["a"] * len(rows), "a") == 0


@given(ANY_ROWS)
def test_where_nothing_is_parallel_the_savings_are_the_times(rows: list[Row]) -> None:
    """So the layout need not be computed for each stage."""
    tree = build(spans(*rows))
    assume(all(tree.starts[b] >= tree.ends[a] for children in tree.children for a, b in pairwise(children)))
    laid = lay_out(tree)
    stages = [row[0] for row in rows]
    times = Counter[str]()
    for stage, time in zip(stages, critical_times(tree), strict=True):
        times[stage] += time
    whole = laid[0].end - laid[0].start
    assert times == {stage: whole - duration_without(laid, stages, stage) for stage in times}
    assert savings(tree, stages, times) is times
