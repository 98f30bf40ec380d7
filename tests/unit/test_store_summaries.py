"""Summaries and minutes are what plain SQL over all spans says, however these came, were folded, and were deleted."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest

from collector.local.query.lookup.rare import segments_with
from collector.local.query.once import sum_up_minutes, sum_up_traces
from collector.local.store.expiry import Expiry
from collector.local.store.rows import ExportRows, SpanRow
from collector.local.store.spans import store as span_store
from collector.local.store.store import Store
from collector.local.store.views import TRACES
from tests.unit.reference_views import TABLES, VIEWS

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
KINDS = ("internal", "server", "client")
OUTCOMES = ("ok", "rejected", "cancelled", "strange", 5)
SUMS = {
    "traces": "SELECT * EXCLUDE (trace_no) FROM traces ORDER BY trace_id",
    "entry_minutes": "SELECT * EXCLUDE (n, total_ns), sum(n), sum(total_ns) FROM entry_minutes "
    "GROUP BY ALL HAVING sum(n) <> 0 ORDER BY ALL",
    "span_minutes": "SELECT * EXCLUDE (n, total_ns), sum(n), sum(total_ns) FROM span_minutes "
    "GROUP BY ALL HAVING sum(n) <> 0 ORDER BY ALL",
}


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty store in memory."""
    made = Store.open(None)
    yield made
    made.close()


def random_spans(seed: int, traces: int) -> list[SpanRow]:
    """Spans of every shape: with and without times, parents, entries, in a random order."""
    dice = random.Random(seed)
    rows = []
    for number in range(traces):
        trace_id = f"{dice.getrandbits(128) | 1:032x}"
        ids = [f"{dice.getrandbits(64) | 1:016x}" for _ in range(dice.randint(1, 9))]
        platform, began = dice.choice(("web", "ios")), START + number * SECOND // 3
        for place, span_id in enumerate(ids):
            start = began + dice.randrange(10_000_000) if dice.random() < 0.95 else 0
            end = max(0, start + dice.randrange(-1000, 90_000_000)) if dice.random() < 0.95 else 0
            attributes: dict[str, Any] = {"search.operation": "search"} if dice.random() < 0.7 else {}
            if dice.random() < 0.5:
                attributes |= {"client.platform": platform, "client.region": "de", "list": [1, {"a": 2}]}
            if dice.random() < 0.2:
                attributes |= {
                    "search.entry": True,
                    "len_docs": dice.choice((0, 3)),
                    "search.outcome": OUTCOMES[number % 5],
                }
            if dice.random() < 0.2:
                attributes |= {"rpc.method": "Search", "search.hits": dice.randrange(9)}
            rows.append(
                SpanRow(
                    trace_id,
                    span_id,
                    dice.choice((None, *ids[:place], "f" * 16)) if place else None,
                    dice.choice(("/search", "encode", "batch")),
                    dice.choice(KINDS),
                    f"service{place % 3}",
                    start,
                    end,
                    dice.choice(("unset", "ok", "error")),
                    "",
                    json.dumps(attributes),
                    0,
                    0,
                    0,
                    "",
                    0,
                    place % 3,
                    1,
                )
            )  # fmt: skip
    dice.shuffle(rows)
    return rows


def write(store: Store, rows: list[SpanRow], now: int) -> None:
    """Store spans as if they had just been decoded."""
    export = ExportRows("traces", len(rows), {"spans": list(rows)})
    for number, version in enumerate(('{"service.version":"1.2"}', '{"service.version":"2.0"}', "{}")):
        export.resources[number] = (number, f"service{number}", version, 0, "")
    store.write([export], [str(now)], now)


def sums(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """The rows of each view."""
    return {name: connection.execute(sql).fetchall() for name, sql in SUMS.items()}


def expected(store: Store) -> dict[str, list[Any]]:
    """The same by plain SQL, over the spans that the store has now."""
    plain = duckdb.connect()
    numbered = ", trace_no BIGINT, segment_no INTEGER)"
    for table in TABLES:
        plain.execute(table.ddl().removesuffix(")") + (numbered if table.name == "spans" else ")"))
    for view in VIEWS:
        plain.execute(view)
    with store.reader() as cursor:
        for name in ("spans", "resources"):
            rows = cursor.execute(f"SELECT * FROM {name}").fetchall()
            if rows:
                marks = f"({', '.join('?' for _ in rows[0])})"
                values = [value for row in rows for value in row]
                plain.execute(f"INSERT INTO {name} VALUES {', '.join([marks] * len(rows))}", values)
        waiting = cursor.execute("SELECT list(DISTINCT trace_no) FROM trace_parts").fetchone()
        plain.execute("INSERT INTO unfolded SELECT unnest(?::BIGINT[])", list(waiting or [None]))
    found = sums(plain)
    plain.close()
    return found


def check(store: Store) -> dict[str, list[Any]]:
    """The store says what plain SQL says, also where a question sums up once what is not folded."""
    with store.reader() as cursor:
        found = sums(cursor)
        with one_moment(cursor):
            sum_up_traces(cursor, with_minutes=True)
            assert sums(cursor) == found
        with one_moment(cursor):
            sum_up_minutes(cursor)
            assert sums(cursor) == found
        assert sums(cursor) == found
    wanted = expected(store)
    for name, rows in found.items():
        assert rows == wanted[name], name
    return found


@contextmanager
def one_moment(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """A transaction that changes nothing."""
    cursor.begin()
    yield
    cursor.rollback()


def without_clients(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """All but the times of clients, of which more are known once a trace is folded."""
    columns = [column.name for column in TRACES.columns if column.name != "trace_no"]
    kept = [at for at, name in enumerate(columns) if name not in ("client_duration_ns", "transit_ns")]
    traces = [tuple(row[at] for at in kept) for row in found["traces"]]
    minutes = [row for row in found["entry_minutes"] if "client" not in row]
    return {**found, "traces": traces, "entry_minutes": minutes}


@pytest.mark.parametrize("seed", range(3))
def test_views_are_what_plain_sql_says_at_any_moment(store: Store, seed: int) -> None:
    """Spans come in any order and late; parts are folded, unfolded, and folded again; the oldest traces go."""
    rows = random_spans(seed, 60)
    step = len(rows) // 6
    for number in range(7):
        write(store, rows[number * step : (number + 1) * step], START + number)
        if number % 2:
            before = check(store)
            store.fold(START + (number - 3) * 600 * SECOND, everything=number % 4 == 1)
            assert without_clients(check(store)) == without_clients(before)
    store.fold(START + 600 * SECOND, everything=True)
    found = check(store)
    assert len(found["traces"]) == 60
    store.expire(Expiry(START + 4, whole=True))
    assert 0 < len(check(store)["traces"]) < 60
    store.expire(Expiry(START + 2, whole=False))
    check(store)
    store.expire(Expiry(START + 100, whole=True))
    assert check(store) == {"traces": [], "entry_minutes": [], "span_minutes": []}
    with store.reader() as cursor:
        assert cursor.execute("SELECT count(*) FROM entry_minute_rows").fetchone() == (0,)
        assert cursor.execute("SELECT count(*) FROM span_minute_rows").fetchone() == (0,)


@pytest.mark.parametrize(("apart_s", "most"), [(2.5, 4), (1.0, 8)])
def test_traces_wait_longer_while_spans_come_late(store: Store, apart_s: float, most: int) -> None:
    """A trace waits for one fold; once one was folded too soon for one more, while that happens; for 10 s at most."""
    clock = itertools.count(START, int(apart_s * SECOND))

    def folds_of(number: int, *, late: bool) -> int:
        """How many folds pass until a new trace is folded; a span of it comes after that, if it is to be late."""
        trace_id = f"{number:032x}"
        rows = [SpanRow(trace_id, f"{at:016x}", None, "a", "server", "shop", START, START + 9, *_REST) for at in (1, 2)]
        write(store, rows[:1], START + number)
        passed = 0
        while any(found == trace_id for found in unfolded(store)):
            store.fold(next(clock))
            passed += 1
        if late:
            write(store, rows[1:], START + number)
            store.fold(next(clock), everything=True)
        return passed

    wanted = [*range(2, most + 1), most]
    assert [folds_of(number, late=True) for number in range(len(wanted))] == wanted
    assert [folds_of(number, late=False) for number in range(len(wanted), len(wanted) + 26)][-1] == most - 1


def unfolded(store: Store) -> list[str]:
    """The traces that are not folded."""
    with store.reader() as cursor:
        return [text for (text,) in cursor.execute("SELECT trace_id FROM trace_parts").fetchall()]


@pytest.mark.parametrize("client_first", [True, False])
@pytest.mark.parametrize("folded", [True, False])
def test_the_time_on_the_way_is_known_whichever_side_comes_first(
    store: Store, client_first: bool, folded: bool
) -> None:
    """The second comes late, after the first was folded."""
    trace_id, root, server = "a" * 32, "b" * 16, "c" * 16
    both = [
        SpanRow(trace_id, root, None, "Search", "client", "shop", START, START + 90, *_REST),
        SpanRow(trace_id, server, root, "Search", "server", "gateway", START + 20, START + 80, *_REST),
    ]
    for number, row in enumerate(both if client_first else reversed(both)):
        write(store, [row], START + number)
        if folded:
            store.fold(START + number, everything=True)
    with store.reader() as cursor:
        found = cursor.execute("SELECT root_service, client_duration_ns, transit_ns FROM traces").fetchall()
    assert found == [("shop", 90, 30)]


@pytest.mark.parametrize("late", [None, 0, 1, 2, 3])
def test_the_time_on_the_way_from_a_browser_is_that_of_its_call(store: Store, late: int | None) -> None:
    """A page's trace begins with a click; whichever span comes last, after the others were folded."""
    trace_id, ids = "a" * 32, [f"{number:016x}" for number in range(1, 6)]
    entry = ("unset", "", '{"search.entry":true}', *_REST[3:])
    spans = [
        SpanRow(trace_id, ids[0], None, "click", "internal", "shop", START, START + 100, *_REST),
        SpanRow(trace_id, ids[1], ids[0], "POST", "client", "shop", START + 5, START + 95, *_REST),
        SpanRow(trace_id, ids[2], ids[1], "POST", "server", "gateway", START + 25, START + 85, *_REST),
        SpanRow(trace_id, ids[3], ids[2], "/search", "internal", "gateway", START + 30, START + 80, *entry),
        SpanRow(trace_id, ids[4], ids[3], "encode", "client", "gateway", START + 40, START + 70, *_REST),
    ]
    write(store, [row for at, row in enumerate(spans) if at != late], START)
    store.fold(START, everything=True)
    if late is not None:
        write(store, [spans[late]], START + 1)
        store.fold(START + 1, everything=True)
    with store.reader() as cursor:
        columns = "root_operation, entry_operation, entry_duration_ns, client_duration_ns, transit_ns"
        assert cursor.execute(f"SELECT {columns} FROM traces").fetchall() == [("click", "/search", 50, 90, 30)]
        sides = "SELECT side, sum(n), sum(total_ns) FROM entry_minutes GROUP BY ALL HAVING sum(n) <> 0 ORDER BY side"
        assert cursor.execute(sides).fetchall() == [("client", 1, 90), ("server", 1, 50)]
    store.expire(Expiry(START + 100, whole=True))
    with store.reader() as cursor:
        assert cursor.execute(sides).fetchall() == []


_REST = ("unset", "", "{}", 0, 0, 0, "", 0, 0, 1)


def test_a_filter_knows_every_attribute_of_its_segment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And few others; the open segment has none. Numbers that are not whole are in none."""
    monkeypatch.setattr(span_store, "SEGMENT_SPANS", 100)
    values: list[Any] = ["text", "", 7, 0, 1, True, False, -5, 3.0, 2**60, ["a", 1], {"b": "c"}, None]
    for number in range(30):
        attributes = {f"key{place}": value for place, value in enumerate(values)} | {"own": f"value {number}"}
        rows = [
            SpanRow(f"{number:032x}", f"{place + 1:016x}", None, "a", "client", "s", 1, 2, "ok", "",
                    json.dumps(attributes), *_REST[3:])
            for place in range(10)
        ]  # fmt: skip
        write(store, rows, number)
    with store.reader() as cursor:
        written = cursor.execute("SELECT segment_no, count(*) FROM attribute_filters GROUP BY ALL ORDER BY ALL")
        assert written.fetchall() == [(0, 256), (1, 256), (2, 256)]
        for key, value in ((f"key{place}", value) for place, value in enumerate(values) if value is not None):
            text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
            assert segments_with(cursor, key, text) == [0, 1, 2], (key, text)
        assert segments_with(cursor, "own", "value 15") == [1]
        found = [len(segments_with(cursor, "own", f"nothing {number}")) for number in range(200)]
        assert sum(found) < 0.05 * 3 * 200
