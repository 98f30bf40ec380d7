"""The worst cell of platforms and regions, against values computed from the requests, and where nothing is said."""

import math
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from typing import cast

from collector.local.api.answers import answer
from collector.local.query.overview import worst
from tests.integration.otlp_by_hand import MS
from tests.unit.flow_traces import HOUR, WHOLE, near, rank, requests, store_of, utc

Who = tuple[str | None, str | None]
"""Platform and region."""


def add(cell: worst._Cell, count: int, **milliseconds: float) -> None:
    """Add requests of one duration to a cell, on the sides that have it."""
    for side, duration in milliseconds.items():
        cell.add(side, math.floor(8 * math.log2(duration * MS)), count, int(duration * MS * count))


def cells_of(*rows: tuple[Who, int, float, float]) -> dict[Who, worst._Cell]:
    """Cells of rows: who, how many requests, and the milliseconds of each at client and server."""
    cells: dict[Who, worst._Cell] = defaultdict(worst._Cell.empty)
    for who, count, client, server in rows:
        add(cells[who], count, client=client, server=server)
    return cells


def compared(who: Who, cells: dict[Who, worst._Cell]) -> worst.WorstCell | None:
    """A cell against all others."""
    others = worst._sum(cells.values()).without(cells[who])
    return worst._compare(("gateway", "/search"), who, cells[who], others, len(cells))


def test_the_worst_cell_is_one_sentence() -> None:
    """Where the way is long, and where the gateway is slow for one region only."""
    made = requests(900, seed=2, chile_ms=300)
    with closing(store_of(made)) as store:
        found = answer(store.reader(), "/api/worst", [*WHOLE.items()])["worst"]
    same = [r for r in made if r.operation == found["operation"][1:]]
    cell = [r.client_ms for r in same if r.region == "cl"]
    rest = [r.client_ms for r in same if r.region != "cl"]
    assert (found["platform"], found["region"], found["count"], found["where"]) == ("linux", "cl", len(cell), "before")
    assert found["p95_ns"] == near(rank(cell, 0.95))
    assert found["rest_p95_ns"] == near(rank(rest, 0.95))
    times = f"{found['factor']:.0f}" if found["factor"] >= 3 else f"{found['factor']:.1f}"
    assert found["sentence"] == f"`linux · cl`: p95 {times}× the rest, most of it before the gateway"


def test_one_request_without_a_client_takes_no_sentence_away() -> None:
    """Such as that of a page whose client sends no spans."""
    cells = cells_of((("linux", "cl"), 200, 500, 30), (("web", "de"), 800, 50, 30))
    for who in cells:
        add(cells[who], 1, server=30)
    found = compared(("linux", "cl"), cells)
    assert found is not None
    assert (found.where, found.count, found.p95_ns) == ("before", 200, near(500))


def test_nothing_is_said_of_cells_that_are_alike() -> None:
    """Or of one with few requests, however slow they were. At most one of 100 healthy runs may be wrong."""
    said = 0
    for seed in range(40):
        made = requests(600, seed=seed + 10)
        cells = cells_of(*(((r.platform, r.region), 1, r.client_ms, r.entry_ms) for r in made))
        said += any(compared(who, cells) is not None for who in cells)
    assert said <= 1
    others = [r for r in requests(300, seed=3) if r.region != "cl"]
    few = [r for r in requests(100, seed=3, chile_ms=9000) if r.region == "cl"][:20]
    with closing(store_of(others + few)) as store:
        assert answer(store.reader(), "/api/worst", [*WHOLE.items()])["worst"] is None


def test_what_is_slow_every_day_is_not_new() -> None:
    """Chile's way is long already; a longer one is new, and without a time before nobody knows."""

    def is_new(before_ms: float | None, now_ms: float) -> bool | None:
        now = requests(900, seed=2, chile_ms=now_ms)
        earlier = [] if before_ms is None else requests(900, seed=4, chile_ms=before_ms)
        late = [replace(one, number=one.number + 1000, start_ms=one.start_ms + 30 * 60_000) for one in now]
        times = {"since": utc(HOUR + 1800 * 10**9), "until": utc(HOUR + 3600 * 10**9)}
        with closing(store_of(earlier + late)) as store:
            found = answer(store.reader(), "/api/worst", [*times.items()])["worst"]
        assert (found["platform"], found["region"]) == ("linux", "cl")
        return cast("bool | None", found["is_new"])

    assert [is_new(300, 300), is_new(300, 900), is_new(None, 300)] == [False, True, None]


def test_a_slow_inside_is_told_from_a_slow_way() -> None:
    """The averages of both sides say which."""
    cells = cells_of((("linux", "cl"), 200, 500, 480), (("web", "de"), 800, 50, 30))
    found = compared(("linux", "cl"), cells)
    assert found is not None
    assert found.where == "inside"
    assert found.sentence.endswith("most of it from the gateway on")
