"""The waterfall of one trace: its shape, which rows are seen, the window of them; traces odd in every way."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.analysis.critical_path import critical_times
from collector.analysis.self_time import self_times
from collector.analysis.tree import build
from collector.local.query import QueryError
from collector.local.query.waterfall import Asked, Shape, overview_of, shape_of, visible, window
from collector.local.query.waterfall.overview import LANES
from collector.local.query.waterfall.reading import Line, Mark
from collector.local.query.waterfall.shape import merged
from tests.unit.traces_by_hand import ANY_ROWS, BEGIN, KINDS, SEARCH, Row

TRACE = "ab" * 16
NOTHING = np.empty(0, np.int32)
EVERYTHING = Asked()


def lines(rows: Sequence[Row]) -> list[Line]:
    """The spans of a trace that was drawn by hand; one whose id begins with `e` failed."""
    return [
        Line(
            TRACE,
            name,
            parent,
            name,
            KINDS[kind],
            "encoder" if name == "encode" else "gateway",
            start + BEGIN,
            end + BEGIN,
            "error" if name.startswith("e") else "unset",
            "",
        )
        for name, parent, kind, start, end in rows
    ]


def names(shape: Shape, asked: Asked, matches: Sequence[int] = ()) -> list[str]:
    """The rows that are seen, from windows of three rows."""
    seen = visible(shape, asked, np.array(matches, np.int32))
    found: list[str] = []
    while page := window(shape, seen, None, offset=len(found), limit=3).rows:
        found += [row.name for row in page]
    return found


SEARCH_SHAPE = shape_of(lines(SEARCH))
ALL = ["root", "gateway", "/search", "call", "encoder", "encode", "qdrant_search"]


@given(ANY_ROWS)
def test_a_trace_of_any_shape_has_the_numbers_of_the_analyses(rows: list[Row]) -> None:
    """Cycles, missing parents, doubled ids, ends before starts: each span once, at its place."""
    spans = lines(rows)
    tree, shape = build(spans), shape_of(spans, as_sent=True)
    own, critical = self_times(tree), critical_times(tree)
    assert [shape.names[code] for code in shape.name] == [spans[index].name for index, _ in tree.order]
    assert shape.depth.tolist() == [depth for _, depth in tree.order]
    assert shape.own.tolist() == [own[index] for index, _ in tree.order]
    assert shape.critical.tolist() == [critical[index] for index, _ in tree.order]
    assert int(shape.critical.sum()) == int(shape.duration[0])
    for place in range(len(shape)):
        below = range(place + 1, int(shape.after[place]))
        assert all(shape.depth[inner] > shape.depth[place] for inner in below)
        assert sum(duration for _, duration in shape.parts(place)) == shape.critical[place]


@given(
    ANY_ROWS, st.sets(st.sampled_from("abcdefghij")), st.none() | st.integers(0, 4), st.sampled_from([None, "errors"])
)
def test_the_rows_are_those_under_no_collapsed_span(
    rows: list[Row], toggled: set[str], level: int | None, only: str | None
) -> None:
    """As a plain walk down the tree finds them."""
    shape = shape_of(lines(rows))
    seen = visible(shape, Asked(level, frozenset(toggled), only=only), NOTHING)
    failed, expected, place = shape.is_error(), [], 0
    while place < len(shape):
        after = int(shape.after[place])
        if only is None or failed[place:after].any():
            expected.append(place)
        flips = sum(shape.id_at(place) == span_id for span_id in toggled)
        is_collapsed = (level is not None and shape.depth[place] >= level) != bool(flips)
        place = after if is_collapsed and (only is None or failed[place:after].any()) else place + 1
    assert seen.places.tolist() == expected


def test_a_row_says_where_a_call_was_on_the_way() -> None:
    """The gap between CLIENT and SERVER, on each side."""
    (row,) = [row for row in rows_of(SEARCH_SHAPE) if row.name == "call"]
    assert (row.way.before_ns, row.way.after_ns, row.way.total_ns, row.way.estimated) == (5, 5, 10, False)
    assert (row.self_ns, row.critical_ns, row.children) == (10, 10, 2)


def rows_of(shape: Shape, asked: Asked = EVERYTHING) -> Any:
    return window(shape, visible(shape, asked, NOTHING), None, offset=0, limit=200).rows


def test_a_server_of_another_clock_is_moved_into_its_call_unless_asked_for_as_sent() -> None:
    """With all below it; the time on the way stays right, and its two sides are an estimate."""
    late = [(*row[:3], row[3] + 1000, row[4] + 1000) if row[0] in {"encoder", "encode"} else row for row in SEARCH]
    moved, sent = shape_of(lines(late)), shape_of(lines(late), as_sent=True)
    by_name = {row.name: row for row in rows_of(moved)}
    assert (by_name["encoder"].offset_ns, by_name["encode"].offset_ns) == (20, 22)
    assert (by_name["encoder"].moved_ns, by_name["encode"].moved_ns, by_name["call"].moved_ns) == (-1000, -1000, 0)
    assert (by_name["call"].way.total_ns, by_name["call"].way.estimated) == (10, True)
    assert any("Clocks differ: 2 spans" in fault for fault in overview_of(moved).faults)
    assert {row.name: row for row in rows_of(sent)}["encoder"].offset_ns == 1020
    assert not overview_of(sent).faults


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked(), ALL),
        (Asked(toggled=frozenset(["/search"])), ALL[:3]),
        (Asked(level=2), ALL[:3]),
        (Asked(level=2, toggled=frozenset(["/search"])), ["root", "gateway", "/search", "call", "qdrant_search"]),
        (Asked(level=0, reveal="encoder"), ["root", "gateway", "/search", "call", "encoder", "qdrant_search"]),
        (Asked(only="errors"), ALL[:6]),
        (Asked(zoom=(85, 88)), ALL[:3]),
        (Asked(zoom=(70, 75)), [*ALL[:3], "qdrant_search"]),
        (Asked(zoom=(70, 75), reveal="encode"), ALL),
        (Asked(toggled=frozenset(["nobody", ""])), ALL),
    ],
)
def test_what_is_asked_for_is_seen(asked: Asked, expected: list[str]) -> None:
    assert names(SEARCH_SHAPE, asked) == expected


def test_a_match_is_seen_whatever_is_collapsed() -> None:
    assert names(SEARCH_SHAPE, Asked(level=0), [5]) == ALL
    seen = visible(SEARCH_SHAPE, Asked(level=0), np.array([5], np.int32))
    page = window(SEARCH_SHAPE, seen, np.array([5], np.int32), offset=5, limit=1)
    assert (page.matches.count, page.matches.rows, page.rows[0].match) == (1, [5], True)  # type: ignore[union-attr]


def test_a_collapsed_row_counts_what_failed_in_it() -> None:
    (row,) = [row for row in rows_of(SEARCH_SHAPE, Asked(toggled=frozenset(["gateway"]))) if row.name == "gateway"]
    assert (row.collapsed, row.children, row.errors_below) == (True, 5, 2)


def test_unreasonable_wishes_are_refused() -> None:
    with pytest.raises(QueryError, match="only must be one of"):
        Asked(only="slow")
    with pytest.raises(QueryError, match="from_ns must be before"):
        Asked(zoom=(5, 5))


def test_a_row_of_a_span_with_ten_thousand_parts_stays_small() -> None:
    """A root with many children one after the other is on the path between all of them."""
    many: list[Row] = [("root", None, "i", 0, 40_000)]
    many += [(f"x{number}", "root", "i", number * 4 + 1, number * 4 + 3) for number in range(10_000)]
    shape = shape_of(lines(many), marks=[Mark("root", BEGIN + at, "event", "e") for at in range(100)])
    (root, *_) = rows_of(shape)
    assert (len(root.critical_parts), len(root.marks), root.mark_count) == (24, 20, 100)
    overview = overview_of(shape)
    assert overview.lanes == LANES
    assert (len(overview.minimap) <= LANES * 24, len(overview.critical)) == (True, 1)
    assert overview.waited[0].count + overview.waited[1].count == 2


def test_odd_traces_are_described() -> None:
    rows: list[Row] = [
        ("a", "gone", "i", 5, 9),
        ("b", "c", "i", 6, 9),
        ("c", "b", "i", 7, 9),
        ("a", None, "i", 1, 9),
        ("d", None, "i", 3, 2),
        ("f", None, "i", 3, -1),
    ]
    overview = overview_of(shape_of(lines(rows)))
    assert list(overview.faults) == [
        "1 span has a parent that is missing.",
        "The parents of some spans form a cycle.",
        "1 span has not ended.",
        "1 span has no start, or ends before.",
        "1 span has the id of another.",
    ]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=30), st.integers(1, 8))
def test_intervals_drawn_together_cover_all_and_end_where_they_did(steps: list[tuple[int, int]], most: int) -> None:
    parts, now = [], 0
    for gap, length in steps:
        parts.append((now + gap, length))
        now += gap + length
    found = merged(parts, most)
    assert len(found) <= max(most, len(parts[:most]))
    covered = {at for offset, length in found for at in range(offset, offset + length)}
    assert covered >= {at for offset, length in parts for at in range(offset, offset + length)}
    assert not parts or (found[0][0], sum(found[-1])) == (parts[0][0], sum(parts[-1]))
