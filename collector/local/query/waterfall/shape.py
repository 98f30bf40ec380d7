"""The shape of one trace: tree, self times and critical path as arrays, by a span's place in the tree.

In: lines of `reading.py`. Out: a `Shape`, which is never changed. It takes about 130 bytes for each span.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from collector.analysis.critical_path import critical_parts
from collector.analysis.self_time import self_times
from collector.analysis.skew import align
from collector.analysis.tree import Tree, build
from collector.local.query.waterfall.reading import Line, Mark

Ints = NDArray[np.int64]
Places = NDArray[np.int32]
Flags = NDArray[np.bool_]
NONE: Final = -1
MARKS_A_SPAN: Final = 20


@dataclass(frozen=True)
class Shape:
    """Arrays have an entry for each span, in tree order: each parent before its children, siblings by start.

    Times are nanoseconds, offsets from the trace's start. A *place* is an index into the arrays, `NONE` for none.
    """

    trace_id: str
    start_unix_ns: int
    duration_ns: int
    total: int
    """Spans of the trace: more than the arrays have, if it has more than `MAX_SPANS`."""
    names: Sequence[str]
    services: Sequence[str]
    """In tree order."""
    ops: Sequence[str]
    kinds: Sequence[str]
    statuses: Sequence[str]
    ids: "NDArray[np.bytes_]"
    name: Places
    """Index into `names`; so are the next four into the others."""
    service: Places
    op: Places
    kind: Places
    status: Places
    parent: Places
    depth: Places
    after: Places
    """The place after the span's last descendant."""
    offset: Ints
    duration: Ints
    own: Ints
    critical: Ints
    moved: Ints
    """By how much a span was moved, because two clocks differ."""
    server: Places
    """Of a CLIENT span: the place of its SERVER span, of several the one that ended last."""
    is_open: Flags
    is_untimed: Flags
    is_orphan: Flags
    """Its parent is missing."""
    is_cycle: Flags
    """Its parents form a cycle, which was cut here."""
    part_of: Places
    """Places of the parts of the critical path, ascending."""
    part_offset: Ints
    part_duration: Ints
    marks: Mapping[int, Sequence[tuple[int, str, str]]] = field(default_factory=dict)
    """Of a place: offset, kind and text of the first `MARKS_A_SPAN`."""
    mark_counts: Mapping[int, int] = field(default_factory=dict)
    link_counts: Mapping[int, int] = field(default_factory=dict)
    number: int = NONE
    """Of the trace in its store."""

    def __len__(self) -> int:
        return len(self.ids)

    def id_at(self, place: int) -> str:
        """The id of a span."""
        return bytes(self.ids[place]).decode("ascii")

    def places(self, span_id: str) -> list[int]:
        """The places of an id: several, if it was sent several times."""
        return [int(place) for place in np.flatnonzero(self.ids == span_id.encode("ascii", "ignore"))]

    def is_error(self) -> Flags:
        """Which spans failed."""
        failed = self.statuses.index("error") if "error" in self.statuses else NONE
        return np.asarray(self.status == failed)

    def parts(self, place: int) -> list[tuple[int, int]]:
        """When a span is on the critical path: offset and duration of each part."""
        first, last = np.searchsorted(self.part_of, [place, place + 1])
        found = zip(self.part_offset[first:last].tolist(), self.part_duration[first:last].tolist(), strict=True)
        return list(found)


def shape_of(
    lines: Sequence[Line],
    *,
    as_sent: bool = False,
    total: int | None = None,
    marks: Iterable[Mark] = (),
    links: Mapping[str, int] | None = None,
    number: int = NONE,
) -> Shape:
    """The shape of one trace.

    Args:
        lines: its spans, at least one.
        as_sent: keep SERVER spans of another clock where they are; else they are moved into their calls.
        total: how many spans the trace has, if not all are given.
        marks: events and log records of its spans.
        links: how many links each span has, by id.
        number: of the trace in its store.
    """
    sent = build(lines)
    tree = sent if as_sent else align(sent, [line.kind for line in lines]).tree
    order = np.fromiter((index for index, _ in tree.order), np.int64, len(lines))
    depth = np.fromiter((depth for _, depth in tree.order), np.int32, len(lines))
    place_of = np.empty(len(lines), np.int32)
    place_of[order] = np.arange(len(lines), dtype=np.int32)
    ordered = [lines[index] for index in order]
    starts, ends = np.asarray(tree.starts, np.int64)[order], np.asarray(tree.ends, np.int64)[order]
    parent = np.fromiter(
        (NONE if (above := tree.parents[index]) is None else place_of[above] for index in order), np.int32, len(lines)
    )
    coded = {what: _coded(list(map(attrgetter(what), ordered))) for what in _CODED}
    orphan, cycle = _cut_off(ordered, parent)
    open_, untimed = _unfinished(ordered)
    return Shape(
        trace_id=lines[0].trace_id,
        start_unix_ns=tree.start,
        duration_ns=tree.end - tree.start,
        total=len(lines) if total is None else total,
        **{f"{what}s" if what != "status" else "statuses": texts for what, (texts, _) in coded.items()},  # type: ignore[arg-type]
        **{what: codes for what, (_, codes) in coded.items()},  # type: ignore[arg-type]
        ids=np.array([line.span_id.encode("ascii", "ignore") for line in ordered], dtype="S16"),
        parent=parent,
        depth=depth,
        after=_after(depth),
        offset=starts - tree.start,
        duration=ends - starts,
        own=np.asarray(self_times(tree), np.int64)[order],
        moved=starts - np.asarray(sent.starts, np.int64)[order],
        server=_servers(*coded["kind"], parent, ends),
        is_open=open_,
        is_untimed=untimed,
        is_orphan=orphan,
        is_cycle=cycle,
        **_critical(tree, order),  # type: ignore[arg-type]
        **_marks(ordered, marks, tree.start),  # type: ignore[arg-type]
        link_counts=_link_counts(ordered, links or {}),
        number=number,
    )


_CODED: Final = ("name", "service", "op", "kind", "status")


def _coded(texts: Sequence[str]) -> tuple[list[str], Places]:
    """Each different text once, in order of appearance, and the index of each."""
    codes: dict[str, int] = {}
    indices = np.fromiter((codes.setdefault(text, len(codes)) for text in texts), np.int32, len(texts))
    return list(codes), indices


def _after(depth: Places) -> Places:
    """The place after each span's last descendant."""
    depths = depth.tolist()
    after = np.full(len(depths), len(depths), np.int32)
    above: list[int] = []
    for place, deep in enumerate(depths):
        while above and depths[above[-1]] >= deep:
            after[above.pop()] = place
        above.append(place)
    return after


def _servers(kinds: Sequence[str], kind: Places, parent: Places, ends: Ints) -> Places:
    servers = np.full(len(kind), NONE, np.int32)
    if "client" in kinds and "server" in kinds:
        is_client, is_server = kind == kinds.index("client"), kind == kinds.index("server")
        for place in np.flatnonzero(is_server & (parent != NONE)).tolist():
            above = int(parent[place])
            if is_client[above] and (servers[above] == NONE or ends[place] > ends[servers[above]]):
                servers[above] = place
    return servers


def _link_counts(ordered: Sequence[Line], links: Mapping[str, int]) -> dict[int, int]:
    return {place: links[line.span_id] for place, line in enumerate(ordered) if line.span_id in links}


def _cut_off(ordered: Sequence[Line], parent: Places) -> tuple[Flags, Flags]:
    """Roots that have a parent: it is missing, or is below them."""
    known = {line.span_id for line in ordered}
    has_parent = np.fromiter((bool(line.parent_span_id) for line in ordered), np.bool_, len(ordered))
    is_known = np.fromiter((line.parent_span_id in known for line in ordered), np.bool_, len(ordered))
    cut = (parent == NONE) & has_parent
    return cut & ~is_known, cut & is_known


def _unfinished(ordered: Sequence[Line]) -> tuple[Flags, Flags]:
    """Spans without an end, and spans without a known start or that end before it."""
    starts = np.fromiter((line.start_unix_ns for line in ordered), np.int64, len(ordered))
    ends = np.fromiter((line.end_unix_ns for line in ordered), np.int64, len(ordered))
    return ends == 0, (starts == 0) | ((ends != 0) & (ends < starts))


def _critical(tree: Tree, order: Ints) -> dict[str, NDArray[np.int64] | Places]:
    parts = critical_parts(tree)
    of: list[int] = []
    offsets: list[int] = []
    durations: list[int] = []
    for place, index in enumerate(order.tolist()):
        for start, end in parts[index]:
            of.append(place)
            offsets.append(start - tree.start)
            durations.append(end - start)
    places, times = np.asarray(of, np.int32), np.asarray(durations, np.int64)
    sums = np.zeros(len(order), np.int64)
    np.add.at(sums, places, times)
    return {"critical": sums, "part_of": places, "part_offset": np.asarray(offsets, np.int64), "part_duration": times}


def _marks(ordered: Sequence[Line], marks: Iterable[Mark], start: int) -> dict[str, Mapping[int, object]]:
    first: dict[str, int] = {}
    for place, line in enumerate(ordered):
        first.setdefault(line.span_id, place)
    found: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    counts: dict[int, int] = defaultdict(int)
    for mark in marks:
        if (at := first.get(mark.span_id)) is not None:
            counts[at] += 1
            if len(found[at]) < MARKS_A_SPAN:
                found[at].append((mark.time_unix_ns - start, mark.kind, mark.text))
    return {"marks": dict(found), "mark_counts": dict(counts)}


def merged(parts: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """At most `most` intervals (offset, duration) that cover these, in order: the smallest gaps are closed."""
    if len(parts) <= most:
        return list(parts)
    gaps = [after[0] - before[0] - before[1] for before, after in pairwise(parts)]
    cuts = sorted(sorted(range(len(gaps)), key=lambda at: -gaps[at])[: most - 1])
    found, first = [], 0
    for last in [*cuts, len(parts) - 1]:
        found.append((parts[first][0], sum(parts[last]) - parts[first][0]))
        first = last + 1
    return found
