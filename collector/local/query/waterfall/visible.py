"""Which rows of a waterfall are seen: what is collapsed, searched, zoomed to, or left out.

In: a shape, what was asked, the places of matches. Out: places, in tree order. No state.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from collector.local.errors import QueryError
from collector.local.query.waterfall.shape import NONE, Flags, Places, Shape

ONLY: Final = ("errors", "critical")


@dataclass(frozen=True)
class Asked:
    """What of a trace is wanted. Default values leave nothing out."""

    level: int | None = None
    """Spans of this depth and deeper are collapsed."""
    toggled: frozenset[str] = frozenset()
    """Ids of spans that are not as `level` says."""
    reveal: str | None = None
    """A span's id: it is seen, whatever is collapsed."""
    only: str | None = None
    """`errors` or `critical`: these spans, and what is above them."""
    zoom: tuple[int, int] | None = None
    """From and to, nanoseconds from the trace's start: spans in it, and what is above them."""

    def __post_init__(self) -> None:
        if self.only is not None and self.only not in ONLY:
            message = f"only must be one of {', '.join(ONLY)}, got {self.only!r}."
            raise QueryError("bad_request", message, "Leave it out to get all spans.")
        if self.zoom is not None and self.zoom[0] >= self.zoom[1]:
            raise QueryError("bad_request", "from_ns must be before to_ns.", "Leave both out to get the whole trace.")


@dataclass(frozen=True)
class Visible:
    """The rows that are seen."""

    places: Places
    collapsed: Flags
    """By place: the span's children are not shown."""


def visible(shape: Shape, asked: Asked, matches: Places) -> Visible:
    """The rows that are seen of a trace.

    Args:
        shape: of the trace.
        asked: what is wanted.
        matches: places that a search found: they are seen, whatever is collapsed.
    """
    seen = np.ones(len(shape), np.bool_)
    wanted = _wanted(shape, asked)
    if wanted is not None:
        seen = wanted | (counts_below(shape, wanted) > 0)
    collapsed = _collapsed(shape, asked, matches)
    hidden_to = 0
    for place in np.flatnonzero(collapsed & seen).tolist():
        if place >= hidden_to:
            hidden_to = int(shape.after[place])
            seen[place + 1 : hidden_to] = False
    return Visible(np.flatnonzero(seen).astype(np.int32), collapsed)


def counts_below(shape: Shape, flags: Flags) -> Places:
    """How many of the spans below each one, at any depth, have the flag."""
    before = np.concatenate(([0], np.cumsum(flags, dtype=np.int32)))
    return np.asarray(before[shape.after] - before[1:], np.int32)


def _wanted(shape: Shape, asked: Asked) -> Flags | None:
    """The spans that are asked for; None: all."""
    found: list[Flags] = []
    if asked.only == "errors":
        found.append(shape.is_error())
    if asked.only == "critical":
        found.append(shape.critical > 0)
    if asked.zoom is not None:
        start, end = asked.zoom
        found.append((shape.offset <= end) & (shape.offset + shape.duration >= start))
    if not found:
        return None
    wanted = np.logical_and.reduce(found)
    if asked.reveal is not None:
        wanted[shape.places(asked.reveal)] = True
    return np.asarray(wanted, np.bool_)


def _collapsed(shape: Shape, asked: Asked, matches: Places) -> Flags:
    collapsed = np.zeros(len(shape), np.bool_) if asked.level is None else shape.depth >= asked.level
    for span_id in asked.toggled:
        for place in shape.places(span_id):
            collapsed[place] = not collapsed[place]
    collapsed &= shape.after > np.arange(len(shape)) + 1  # a span without children has nothing to hide
    if len(matches):
        has_match = np.zeros(len(shape), np.bool_)
        has_match[matches] = True
        collapsed &= counts_below(shape, has_match) == 0
    for place in shape.places(asked.reveal) if asked.reveal else ():
        above = int(shape.parent[place])
        while above != NONE:
            collapsed[above] = False
            above = int(shape.parent[above])
    return np.asarray(collapsed, np.bool_)
