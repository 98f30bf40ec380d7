"""What is seen of a whole trace at first: its facts, its services, where its time went, and a minimap.

In: a shape. Out: an overview of bounded size, however large the trace is. No state.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from collector.local.query.model import Attributes
from collector.local.query.waterfall.rows import Way, way_of
from collector.local.query.waterfall.shape import NONE, Flags, Ints, Places, Shape, merged

LANES: Final = 40
COLUMNS: Final = 300
_SERVICES, _WAITED, _PATH, _RUNS = 50, 8, 120, 12


@dataclass(frozen=True)
class ServiceShare:
    """One service of a trace."""

    service: str
    span_count: int
    error_count: int
    self_ns: int
    critical_ns: int


@dataclass(frozen=True)
class Waited:
    """An operation on the critical path."""

    service: str
    name: str
    op: str
    critical_ns: int
    count: int
    on_the_way: bool
    """It is a call whose own time is that of the way."""


class Segment(NamedTuple):
    """A bar of the minimap: one span, or several of one lane that lie together. In JSON a list."""

    lane: int
    offset_ns: int
    duration_ns: int
    service: int
    """Index into `services`."""
    error: bool


@dataclass(frozen=True)
class Overview:
    """A whole trace in a few numbers."""

    trace_id: str
    start_unix_ns: int
    duration_ns: int
    root_service: str
    root_name: str
    root_offset_ns: int
    root_duration_ns: int
    span_count: int
    shown_count: int
    """Fewer than `span_count` only beyond 100,000: those that began first."""
    error_count: int
    log_count: int
    link_count: int
    """Of its spans to others."""
    client: Attributes
    """Who asked for what, as the root says: `search.operation`, `client.platform`, `client.region`."""
    first_error: str | None
    """The id of the first span that failed and has none below it that did."""
    depth: int
    way: Way | None
    """Of the root, if it is a call."""
    services: Sequence[ServiceShare]
    """In the order of the tree, the first fifty."""
    service_count: int
    waited: Sequence[Waited]
    """The operations on the critical path, longest first."""
    faults: Sequence[str]
    """What is odd about the trace, as sentences."""
    moved_count: int
    moved_ns: int
    """Spans that were moved because clocks differ, and the furthest that one was."""
    lanes: int
    minimap: Sequence[Segment]
    critical: Sequence[tuple[int, int, int]]
    """The critical path: offset, duration, service as in `Segment`."""


def overview_of(shape: Shape, client: Attributes | None = None, log_count: int = 0) -> Overview:
    """The overview of a trace.

    Args:
        shape: of the trace.
        client: who asked for what.
        log_count: log records of the trace.
    """
    failed = shape.is_error()
    root_way = way_of(shape, 0)
    return Overview(
        trace_id=shape.trace_id,
        start_unix_ns=shape.start_unix_ns,
        duration_ns=shape.duration_ns,
        root_service=shape.services[shape.service[0]],
        root_name=shape.names[shape.name[0]],
        root_offset_ns=int(shape.offset[0]),
        root_duration_ns=int(shape.duration[0]),
        span_count=shape.total,
        shown_count=len(shape),
        error_count=int(failed.sum()),
        log_count=log_count,
        link_count=sum(shape.link_counts.values()),
        client=client or {},
        first_error=_first_error(shape),
        depth=int(shape.depth.max()) + 1,
        way=root_way,
        services=_services(shape),
        service_count=len(shape.services),
        waited=_waited(shape),
        faults=list(_faults(shape)),
        moved_count=int((shape.moved != 0).sum()),
        moved_ns=int(np.abs(shape.moved).max()),
        lanes=min(LANES, len(shape)),
        minimap=_minimap(shape),
        critical=_critical(shape),
    )


def _first_error(shape: Shape) -> str | None:
    failed = np.flatnonzero(shape.is_error())
    for position, place in enumerate(failed.tolist()):
        if position + 1 == len(failed) or failed[position + 1] >= shape.after[place]:
            return shape.id_at(place)
    return None


def _services(shape: Shape) -> list[ServiceShare]:
    size = len(shape.services)
    spans = np.bincount(shape.service, minlength=size)
    errors = np.bincount(shape.service, weights=shape.is_error(), minlength=size)
    own = np.bincount(shape.service, weights=shape.own, minlength=size)
    critical = np.bincount(shape.service, weights=shape.critical, minlength=size)
    return [
        ServiceShare(name[:200], int(spans[at]), int(errors[at]), int(own[at]), int(critical[at]))
        for at, name in enumerate(shape.services[:_SERVICES])
    ]


def _waited(shape: Shape) -> list[Waited]:
    places = np.flatnonzero(shape.critical)
    if not len(places):
        return []
    sizes = (len(shape.services), len(shape.names), len(shape.ops), 2)
    columns = (shape.service[places], shape.name[places], shape.op[places], shape.server[places] != NONE)
    numbers, group = np.unique(
        np.ravel_multi_index([column.astype(np.int64) for column in columns], sizes), return_inverse=True
    )
    keys = np.stack(np.unravel_index(numbers, sizes))
    times = np.bincount(group, weights=shape.critical[places])
    counts = np.bincount(group)
    return [
        Waited(
            shape.services[service][:200],
            shape.names[name][:200],
            shape.ops[op][:200],
            int(times[at]),
            int(counts[at]),
            bool(on_the_way),
        )
        for at in np.argsort(-times, kind="stable")[:_WAITED].tolist()
        for service, name, op, on_the_way in [keys[:, at].tolist()]
    ]


def _faults(shape: Shape) -> Iterator[str]:
    if len(shape) < shape.total:
        yield f"The trace has {shape.total:,} spans; the {len(shape):,} that began first are shown."
    if orphans := int(shape.is_orphan.sum()):
        yield "1 span has a parent that is missing." if orphans == 1 else f"{orphans:,} spans have missing parents."
    if cycles := int(shape.is_cycle.sum()):
        yield f"The parents of some spans form {'a cycle' if cycles == 1 else f'{cycles:,} cycles'}."
    if still := int(shape.is_open.sum()):
        yield f"{still:,} span{'s have' if still > 1 else ' has'} not ended."
    untimed = shape.is_untimed & ~shape.is_open
    if wrong := int(untimed.sum()):
        yield f"{wrong:,} span{'s have' if wrong > 1 else ' has'} no start, or {'end' if wrong > 1 else 'ends'} before."
    if doubled := len(shape) - len(np.unique(shape.ids)):
        yield f"{doubled:,} span{'s have' if doubled > 1 else ' has'} the id of another."
    if moved := shape.moved[shape.moved != 0].tolist():
        furthest = max(map(abs, moved)) / 1e6
        were = "1 span was" if len(moved) == 1 else f"{len(moved):,} spans were"
        yield f"Clocks differ: {were} moved into the calls, by up to {furthest:,.3g} ms."


def _minimap(shape: Shape) -> list[Segment]:
    """Each span, if they are few; else spans of equal lanes and columns together."""
    failed = shape.is_error()
    if len(shape) <= LANES:
        columns = zip(shape.offset.tolist(), shape.duration.tolist(), shape.service.tolist(), strict=True)
        return [Segment(at, *column, error=bool(failed[at])) for at, column in enumerate(columns)]
    lanes = (np.arange(len(shape), dtype=np.int64) * LANES // len(shape)).astype(np.int32)
    step = max(1.0, shape.duration_ns / COLUMNS)
    first = np.minimum((shape.offset / step).astype(np.int32), COLUMNS - 1)
    last = np.minimum(((shape.offset + shape.duration) / step).astype(np.int32), COLUMNS - 1)
    covered = np.zeros((LANES, COLUMNS + 1), np.int32)
    np.add.at(covered, (lanes, first), 1)
    np.add.at(covered, (lanes, last + 1), -1)
    busy = np.cumsum(covered, axis=1)[:, :COLUMNS] > 0
    red = np.zeros((LANES, COLUMNS), np.bool_)
    red[lanes[failed], first[failed]] = True
    found: list[Segment] = []
    for lane in range(LANES):
        # The service that has most spans of the lane.
        service = int(np.bincount(shape.service[lanes == lane]).argmax())
        found += _runs(busy[lane], red[lane], lane, service, step)
    return found


def _runs(busy: Flags, red: Flags, lane: int, service: int, step: float) -> list[Segment]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], busy, [False])).astype(np.int8)))
    runs = merged([(begin, end - begin) for begin, end in edges.reshape(-1, 2).tolist()], _RUNS)
    found = [Segment(lane, round(at * step), round(columns * step), service, error=False) for at, columns in runs]
    reds = np.flatnonzero(red)[:_RUNS].tolist()
    return found + [Segment(lane, round(at * step), round(step), service, error=True) for at in reds]


def _critical(shape: Shape) -> list[tuple[int, int, int]]:
    """The path's parts by time, neighbours of one service together; of many, the longest in each column."""
    order = np.argsort(shape.part_offset, kind="stable")
    offsets, durations = shape.part_offset[order], shape.part_duration[order]
    services = shape.service[shape.part_of[order]]
    if not len(order):
        return []
    begins = _changes(services)
    offsets, durations = offsets[begins], np.add.reduceat(durations, begins)
    services = services[begins]
    if len(begins) > _PATH:
        step = max(1, shape.duration_ns // _PATH)
        longest = np.lexsort((-durations, offsets // step))
        first = longest[_changes(offsets[longest] // step)]
        offsets, services = (offsets[first] // step) * step, services[first]
        durations = np.diff(np.append(offsets, shape.offset[0] + shape.duration[0]))
    return list(zip(offsets.tolist(), durations.tolist(), services.tolist(), strict=True))


def _changes(values: Ints | Places) -> Ints:
    """Where a value differs from the one before it."""
    return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
