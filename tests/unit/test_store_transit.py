"""The time on the way is that of the spans, however these fall into transactions, and whatever is folded in between."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.local.store.rows import ExportRows, SpanRow
from collector.local.store.store import Store

START = 1_700_000_000_000_000_000
MISSING = 99
Shape = tuple[str, int | None, int, int | None]
"""Of a span: its kind (`entry`: of an endpoint), the place of its parent, when it began, how long it took."""
Commit = tuple[Sequence[int], bool]
"""Places of the spans that are stored at once; whether all is folded after it."""

CALL: list[Shape] = [("client", None, 0, 90), ("server", 0, 20, 60)]
RETRIED: list[Shape] = [*CALL, ("server", 0, 10, 5)]
BROWSER: list[Shape] = [("internal", None, 0, 100), ("client", 0, 5, 90), ("server", 1, 25, 60), ("entry", 2, 30, 50)]


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    """Of traces."""
    return itertools.count(1)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """One in memory, for all traces."""
    made = Store.open(None)
    yield made
    made.close()


@st.composite
def traces(draw: st.DrawFn) -> list[Shape]:
    """Any tree, also without its root, with times that repeat, or that nobody knows."""
    found: list[Shape] = []
    for place in range(draw(st.integers(1, 6))):
        parent = draw(st.sampled_from([None, MISSING, *range(place), *range(place)]))
        kind = draw(st.sampled_from(("client", "server", "server", "internal", "entry")))
        took = draw(st.one_of(st.none(), st.integers(0, 4)))
        found.append((kind, parent, draw(st.integers(0, 3)), took))
    return found


@st.composite
def commits(draw: st.DrawFn, spans: int) -> list[Commit]:
    """The spans in any order, in several transactions."""
    order = draw(st.permutations(range(spans)))
    ends = sorted(draw(st.sets(st.integers(1, spans - 1), max_size=spans - 1))) if spans > 1 else []
    return [(order[begin:end], draw(st.booleans())) for begin, end in itertools.pairwise([0, *ends, spans])]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Shape], list[Commit]]:
    """A trace, and how it is stored."""
    trace = draw(traces())
    return trace, draw(commits(len(trace)))


def rows_of(trace: Sequence[Shape], trace_id: str) -> list[SpanRow]:
    """Rows of the spans."""
    found = []
    for place, (kind, parent, began, took) in enumerate(trace):
        start = START + began
        attributes = '{"search.entry":true}' if kind == "entry" else "{}"
        found.append(
            SpanRow(
                trace_id, f"{place + 1:016x}", None if parent is None else f"{parent + 1:016x}", f"span {place}",
                "internal" if kind == "entry" else kind, "shop", start, 0 if took is None else start + took,
                "unset", "", attributes, 0, 0, 0, "", 0, 0, 1,
            )
        )  # fmt: skip
    return found


def stored(store: Store, number: int, trace: Sequence[Shape], commits: Sequence[Commit]) -> tuple[Any, ...]:
    """Store a trace; return what the store says of its client."""
    trace_id = f"{number:032x}"
    rows = rows_of(trace, trace_id)
    for at, (places, folded) in enumerate(commits):
        export = ExportRows("traces", len(places), {"spans": [rows[place] for place in places]})
        export.resources[0] = (0, "shop", "{}", 0, "")
        store.write([export], [f"{number} {at}"], START)
        if folded:
            store.fold(START, everything=True)
    store.fold(START, everything=True)
    with store.reader() as cursor:
        (found,) = cursor.execute(
            "SELECT root_operation, client_duration_ns, transit_ns FROM traces WHERE trace_id = ?", [trace_id]
        ).fetchall()
    return tuple(found)


@given(cases())
@example((RETRIED, [([0, 1], True), ([2], True)]))
@example((RETRIED, [([1], True), ([0], True), ([2], False)]))
@example(([*CALL, ("server", MISSING, 10, 5)], [([0, 1], True), ([2], True)]))
@example(([("client", MISSING, 5, 90), ("server", 0, 20, 60), ("internal", None, 0, 9)], [([0, 1], True), ([2], True)]))
@example(([("client", None, 0, 3), ("client", None, 0, 4), ("server", 0, 1, 1)], [([1], False), ([0, 2], False)]))
@example(([("client", None, 0, 9), ("server", 0, 1, None), ("server", 0, 1, 5)], [([0, 1], True), ([2], True)]))
@example((BROWSER, [([3], True), ([2], True), ([1], True), ([0], True)]))
@settings(max_examples=40, deadline=None)
def test_one_transaction_or_many(store: Store, numbers: Iterator[int], case: tuple[list[Shape], list[Commit]]) -> None:
    """Several servers below one client, repeated calls, parents that never come, spans that come late."""
    trace, commits = case
    at_once = stored(store, next(numbers), trace, [(range(len(trace)), False)])
    assert stored(store, next(numbers), trace, commits) == at_once


@pytest.mark.parametrize(
    ("trace", "transit"),
    [
        (CALL, 30),
        (RETRIED, 85),
        (BROWSER, 30),
        ([("client", None, 0, 50), ("server", 0, 20, 60)], 0),
        ([("client", None, 0, None), ("server", 0, 20, 60)], None),
        ([("client", None, 0, 90), ("server", 0, 20, None)], None),
        ([*CALL, ("server", 1, 10, 5)], None),
        ([("client", None, 0, 90), ("internal", 0, 20, 60)], None),
    ],
)
def test_what_it_is(store: Store, numbers: Iterator[int], trace: list[Shape], transit: int | None) -> None:
    """The root CLIENT span without the first SERVER span, if that is its child; nothing where one has no duration."""
    assert stored(store, next(numbers), trace, [(range(len(trace)), False)])[-1] == transit
