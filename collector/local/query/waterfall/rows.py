"""A window of a waterfall's rows, as they are drawn.

In: a shape, the places that are seen, which of them are in the window. Out: rows of bounded size. No state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from collector.local.query.waterfall.shape import NONE, Flags, Places, Shape, merged
from collector.local.query.waterfall.visible import Visible, counts_below

MAX_ROWS: Final = 200
_PARTS, _NAME = 24, 200
"""Parts of the critical path in a row, and characters of a name."""


@dataclass(frozen=True)
class Way:
    """The time on the way of a call, nanoseconds: the CLIENT span without its SERVER span."""

    before_ns: int
    after_ns: int
    total_ns: int
    estimated: bool
    """The two clocks differ: the total is right, its two sides are taken as equal."""


@dataclass(frozen=True)
class WaterfallRow:
    """One span as a row. Texts and lists are cut; `query.span` gives all of it."""

    place: int
    """In the whole tree; it changes if spans arrive."""
    span_id: str
    depth: int
    name: str
    service: str
    enters: bool
    """Its service is not that of the span above it."""
    kind: str
    op: str
    status: str
    offset_ns: int
    """From the trace's start."""
    duration_ns: int
    self_ns: int
    critical_ns: int
    critical_parts: Sequence[tuple[int, int]]
    """Offset and duration; many parts are drawn together."""
    children: int
    """Spans below it, at any depth."""
    collapsed: bool
    errors_below: int
    """If it is collapsed: spans in it that failed."""
    match: bool
    """The search found it."""
    way: Way | None
    moved_ns: int
    """By how much it was moved, because two clocks differ."""
    note: str
    """What is odd about it: `open`, `untimed`, `orphan`, `cycle`; else empty."""
    marks: Sequence[tuple[int, str, str]]
    """Events and log records: offset, kind (`event`, `exception`, `log`, `warn`, `error`), text; the first ones."""
    mark_count: int
    link_count: int


@dataclass(frozen=True)
class Matches:
    """What a search found."""

    count: int
    rows: Sequence[int]
    """Where: indices of rows, the first thousand."""


@dataclass(frozen=True)
class Window:
    """Some rows of a waterfall."""

    rows: Sequence[WaterfallRow]
    offset: int
    total: int
    """Rows that are seen; those of the trace are `span_count`."""
    span_count: int
    matches: Matches | None
    """None: nothing was searched."""
    reveal: int | None
    """The index of the row that was to be revealed; None if there is none."""


def window(
    shape: Shape,
    seen: Visible,
    matches: Places | None,
    *,
    offset: int,
    limit: int,
    reveal: str | None = None,
) -> Window:
    """The rows from `offset` on, at most `limit`.

    Args:
        shape: of the trace.
        seen: which places are seen.
        matches: places that a search found; None: there was no search.
        offset: index of the first row.
        limit: rows at most.
        reveal: id of a span whose row is asked for.
    """
    found = np.zeros(len(shape), np.bool_)
    summary = None
    if matches is not None:
        found[matches] = True
        summary = Matches(len(matches), np.flatnonzero(found[seen.places])[:1000].tolist())
    failed = counts_below(shape, shape.is_error())
    rows = [_row(shape, place, seen, failed, found) for place in seen.places[offset : offset + limit].tolist()]
    at = None
    if reveal is not None and (places := shape.places(reveal)):
        index = int(np.searchsorted(seen.places, places[0]))
        at = index if index < len(seen.places) and seen.places[index] == places[0] else None
    return Window(rows, offset, len(seen.places), shape.total, summary, at)


def _row(shape: Shape, place: int, seen: Visible, failed: Places, found: Flags) -> WaterfallRow:
    collapsed = bool(seen.collapsed[place])
    return WaterfallRow(
        place=place,
        span_id=shape.id_at(place),
        depth=int(shape.depth[place]),
        name=shape.names[shape.name[place]][:_NAME],
        service=shape.services[shape.service[place]][:_NAME],
        enters=_enters(shape, place),
        kind=shape.kinds[shape.kind[place]],
        op=shape.ops[shape.op[place]][:_NAME],
        status=shape.statuses[shape.status[place]],
        offset_ns=int(shape.offset[place]),
        duration_ns=int(shape.duration[place]),
        self_ns=int(shape.own[place]),
        critical_ns=int(shape.critical[place]),
        critical_parts=merged(shape.parts(place), _PARTS),
        children=int(shape.after[place]) - place - 1,
        collapsed=collapsed,
        errors_below=int(failed[place]) if collapsed else 0,
        match=bool(found[place]),
        way=way_of(shape, place),
        moved_ns=int(shape.moved[place]),
        note=note_of(shape, place),
        marks=[(offset, kind, text) for offset, kind, text in shape.marks.get(place, ())],
        mark_count=shape.mark_counts.get(place, 0),
        link_count=shape.link_counts.get(place, 0),
    )


def _enters(shape: Shape, place: int) -> bool:
    above = int(shape.parent[place])
    return above == NONE or bool(shape.service[above] != shape.service[place])


def way_of(shape: Shape, place: int) -> Way | None:
    """The time on the way of a CLIENT span; None if no SERVER span is below it."""
    server = int(shape.server[place])
    if server == NONE:
        return None
    start, end = int(shape.offset[place]), int(shape.offset[place] + shape.duration[place])
    began, ended = int(shape.offset[server]), int(shape.offset[server] + shape.duration[server])
    total = max(0, (end - start) - (ended - began))  # of durations: no clock affects it
    before = min(max(0, began - start), total)
    return Way(before, total - before, total, estimated=bool(shape.moved[server] != shape.moved[place]))


def note_of(shape: Shape, place: int) -> str:
    """What is odd about a span; empty if nothing is."""
    odd = {
        "open": shape.is_open,
        "untimed": shape.is_untimed,
        "orphan": shape.is_orphan,
        "cycle": shape.is_cycle,
    }
    return next((word for word, flags in odd.items() if flags[place]), "")
