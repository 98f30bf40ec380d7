"""Tables and numbers: whole outputs, compared as text."""

import io
from textwrap import dedent
from typing import Any

import pytest
from rich.console import RenderableType

from collector.local.render import units as render_units
from collector.local.render.metric import metric_table, metric_title
from collector.local.render.tables import ended_traces_table, metrics_table, services_table, traces_table
from collector.local.render.text import make_console

NOW = 1_700_000_000 * 10**9
MS = 10**6


def printed(make: Any, width: int = 80, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = make_console(file, width)
    rendered: RenderableType = make(console)
    console.print(rendered)
    file.seek(0)
    return "\n".join(line.rstrip() for line in file.read().splitlines())


OPERATIONS = [
    {
        "service": service,
        "operation": operation,
        "kind": kind,
        "count": 12_345,
        "rate": 3.21,
        "error_ratio": ratio,
        "p50_ns": 812_000,
        "p95_ns": 41_200_000,
        "p99_ns": 1_240_000_000,
    }
    for service, operation, kind, ratio in (
        ("gateway", "/pamazon.Gateway/Search", "server", 0.0),
        ("gateway", "/search", "internal", 0.004),
        ("qdrant_indexer", "qdrant_search", "internal", 0.5),
    )
]


def test_services_and_their_operations() -> None:
    """A service stands once; numbers are never cut, names give way."""
    assert printed(lambda console: services_table(OPERATIONS, console)) == dedent("""\
        operation                  kind      count  errors     p50      p95     p99
        ───────────────────────────────────────────────────────────────────────────
        gateway
          /pamazon.Gateway/Search  server    12.3k     0 %  812 µs  41.2 ms  1.24 s
          /search                  internal  12.3k   0.4 %  812 µs  41.2 ms  1.24 s
        qdrant_indexer
          qdrant_search            internal  12.3k    50 %  812 µs  41.2 ms  1.24 s""")


def test_services_on_a_wide_terminal_show_the_rate() -> None:
    """There is room for one column more."""
    header = printed(lambda console: services_table(OPERATIONS, console), 120).splitlines()[0]
    assert header.split() == ["operation", "kind", "count", "per", "s", "errors", "p50", "p95", "p99"]


def trace_row(trace_id: str, operation: str = "/search", errors: int = 0, age_s: int = 5) -> dict[str, Any]:
    return {
        "trace_id": trace_id,
        "root_service": "gateway",
        "root_operation": operation,
        "start_unix_ns": NOW - age_s * 10**9,
        "duration_ns": 41_200_000,
        "span_count": 13,
        "error_count": errors,
        "open_count": 0,
        "untimed_count": 0,
    }


def test_traces_in_a_table() -> None:
    """Ids as short as they are unique, errors marked, age in one unit."""
    rows = [trace_row("ab" * 16), trace_row("ab" * 5 + "c" * 22, "x" * 60, 2, 7300), trace_row("cd" * 16, age_s=-9)]
    assert printed(lambda console: traces_table(rows, console, NOW)) == dedent("""\
        trace        operation                  service     time  spans  errors      age
        ────────────────────────────────────────────────────────────────────────────────
        abababababa  /search                    gateway  41.2 ms     13          5 s ago
        abababababc  xxxxxxxxxxxxxxxxxxxxxxxx…  gateway  41.2 ms     13     ✗ 2  2 h ago
        cdcdcdcdcdc  /search                    gateway  41.2 ms     13              now""")


def test_a_trace_of_unknown_time_shows_the_sign_of_the_tree() -> None:
    """Neither 0 ns nor 1970; the duration of other spans if that is known."""
    unknown = trace_row("ab" * 16) | {"untimed_count": 1, "duration_ns": 0, "start_unix_ns": 0}
    known = trace_row("cd" * 16) | {"untimed_count": 1}
    rows = printed(lambda console: traces_table([unknown, known], console, NOW)).splitlines()[2:]
    assert [row.split()[3:] for row in rows] == [["?", "13", "?"], ["41.2", "ms", "13", "5", "s", "ago"]]


def test_traces_on_a_terminal_without_unicode() -> None:
    """ASCII lines, and no ellipsis that could not be written."""
    rows = [trace_row("ab" * 16, "森" * 30, 1)]
    assert printed(lambda console: traces_table(rows, console, NOW), encoding="ascii") == dedent("""\
        trace    |operation                    |service |   time |spans |errors |    age
        ---------+-----------------------------+--------+--------+------+-------+-------
        abababab |\\u68ee\\u68ee\\u68ee\\u68ee\\u68 |gateway |41.2 ms |   13 |   x 1 |5 s ago""")


def test_metrics_in_a_table() -> None:
    """Type, unit, services, and how much there is."""
    row = {
        "name": "search.request.duration",
        "type": "histogram",
        "unit": "s",
        "description": "",
        "services": ["gateway", "clip_encoder"],
        "series_count": 2,
        "point_count": 40,
        "last_unix_ns": NOW - 10**9,
    }
    assert printed(lambda console: metrics_table([row], console, NOW)) == dedent("""\
        metric                   type       unit  series  points      age
        ─────────────────────────────────────────────────────────────────
        search.request.duration  histogram  s          2      40  1 s ago""")


def point(**changes: Any) -> dict[str, Any]:
    names = ("value", "count", "sum", "min", "max", "bounds", "bucket_counts", "scale", "quantiles", "quantile_values")
    return dict.fromkeys(names) | {"time_unix_ns": 2, "start_unix_ns": 1, "flags": 0} | changes


def series(
    *points: dict[str, Any],
    temporality: str = "cumulative",
    service: str = "gateway",
    monotonic: bool = True,
    ended: bool = False,
    **labels: Any,
) -> dict[str, Any]:
    known = {"service": service, "attributes": labels, "resource": {}, "scope": "", "points": list(points)}
    return known | {"temporality": temporality, "monotonic": monotonic, "ended": ended, "missed_after_ns": 10**9}


def metric(kind: str, unit: str, *of: dict[str, Any]) -> dict[str, Any]:
    return {"name": "search.x", "type": kind, "unit": unit, "description": "How it went.", "series": list(of)}


def buckets(counts: list[int], **changes: Any) -> dict[str, Any]:
    bounds = [0.001, 0.002, 0.004, 0.008]
    return point(bounds=bounds, bucket_counts=counts, count=sum(counts), sum=1.0, min=0.0005, max=0.02, **changes)


def test_a_histogram_has_percentiles_and_a_picture_of_its_buckets() -> None:
    """Of the last point of each series; the unit decides how the numbers are written."""
    answer = metric(
        "histogram",
        "s",
        series(buckets([0, 9, 0, 0, 0]), buckets([0, 10, 80, 8, 2]), stage="encode", ok=True),
        series(buckets([1, 0, 0, 0, 0]), stage="rank"),
    )
    assert printed(lambda console: metric_title(answer, console)) == "search.x · histogram, s · How it went."
    assert printed(lambda console: metric_table(answer, console, NOW)) == dedent("""\
        stage · ok       count      p50      p95      p99  buckets
        ──────────────────────────────────────────────────────────
        gateway
          encode · true    100  3.00 ms  6.50 ms  14.0 ms  ▁█▁▁
          rank · -           1   750 µs   975 µs   995 µs  █""")


VALUES: dict[str, tuple[dict[str, Any], str]] = {
    "a counter's last value": (metric("sum", "1", series(point(value=3), point(value=12_000))), "12,000"),
    "the sum over restarts": (
        metric("sum", "1", series(point(value=7), point(value=2, start_unix_ns=9))),
        "9",
    ),
    "the sum over processes": (metric("sum", "1", series(point(value=7)), series(point(value=5))), "12"),
    "the sum of deltas": (metric("sum", "1", series(point(value=7), point(value=5), temporality="delta")), "12"),
    "a gauge's newest value": (
        metric("gauge", "1", series(point(value=7.5, time_unix_ns=9)), series(point(value=5.5, time_unix_ns=3))),
        "7.5",
    ),
    "a value that is not a number": (metric("gauge", "1", series(point(value="NaN"))), "nan"),
    "a point without a value": (metric("gauge", "1", series(point())), "no value"),
    "a summary's quantiles": (
        metric("summary", "1", series(point(count=4, quantiles=[0.5, 0.99], quantile_values=[1.0, 2.5]))),
        "4  p50 1  p99 2.5",
    ),
    "a count over processes": (metric("histogram", "", series(buckets([1, 0, 0, 0, 0])), series(buckets([2]))), "3"),
}


@pytest.mark.parametrize("case", VALUES)
def test_the_latest_value_of_a_metric(case: str) -> None:
    """Each kind of metric is put together in its own way."""
    answer, expected = VALUES[case]
    row = printed(lambda console: metric_table(answer, console, NOW)).splitlines()[3]
    assert row.removeprefix("  all").strip().startswith(expected)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (812_000, "812 µs"),
        (999_700, "1.00 ms"),
        (41_200_000, "41.2 ms"),
        (1_240_000_000, "1.24 s"),
        (59_990_000_000, "60.0 s"),
        (125 * 10**9, "2m 05s"),
        (7_325 * 10**9, "2h 02m"),
    ],
)
def test_durations_have_three_digits_and_a_unit(nanoseconds: int, text: str) -> None:
    """At most seven characters, so that a column holds them."""
    assert render_units.duration(nanoseconds) == text
    assert len(text) <= 7


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (9_999, "9999"), (12_345, "12.3k"), (4_560_000, "4.56M"), (2.5, "2.5")]
)
def test_counts_are_short(value: float, text: str) -> None:
    """Exact up to ten thousand."""
    assert render_units.count(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0, "0 %"), (0.004, "0.4 %"), (0.5, "50 %"), (1.0, "100 %")])
def test_shares_are_percent(value: float, text: str) -> None:
    """One decimal where it matters."""
    assert render_units.percent(value) == text


@pytest.mark.parametrize(("value", "text"), [(512, "512 B"), (1536, "1.50 KiB"), (3 << 20, "3.00 MiB")])
def test_sizes_are_binary(value: float, text: str) -> None:
    """As memory is counted."""
    assert render_units.bytes_(value) == text


def test_a_histogram_without_buckets_has_no_percentiles() -> None:
    """Nothing is known of how its values lie but their average; nor where several have no bound in common."""
    bare = point(bounds=[], bucket_counts=[], count=7, sum=0.7)
    one, other = (point(bounds=[b], bucket_counts=[1, 1], count=2, sum=0.4) for b in (0.1, 0.2))
    answer = metric(
        "histogram", "s", series(bare, op="a"), series(one, op="b"), series(other, op="b", service="gateway")
    )
    answer["series"].append(series(point(bounds=None, bucket_counts=None, count=3, sum=None), op="c"))
    rows = printed(lambda console: metric_table(answer, console, NOW)).splitlines()[3:]
    assert [row.split() for row in rows] == [
        ["a", "7", "-", "-", "-", "none,", "avg", "100", "ms"],
        ["b", "4", "-", "-", "-", "none,", "avg", "200", "ms"],
        ["c", "3", "-", "-", "-", "none"],
    ]


def test_a_percentile_beyond_the_highest_bound_is_marked() -> None:
    """Nobody knows how far; where the highest value is known it bounds the last bucket."""
    open_end = point(bounds=[0.1, 1.0], bucket_counts=[50, 40, 10], count=100, sum=30.0)
    answer = metric("histogram", "s", series(open_end, op="a"), series(open_end | {"max": 4.0}, op="b"))
    rows = printed(lambda console: metric_table(answer, console, NOW)).splitlines()[3:]
    assert [row.split()[2:8] for row in rows] == [
        ["100", "ms", ">1.00", "s", ">1.00", "s"],
        ["100", "ms", "2.50", "s", "3.70", "s"],
    ]


NO_VALUE = point(flags=1, time_unix_ns=9)
ENDED = series(point(value=5, time_unix_ns=NOW - 60 * 10**9), ended=True, monotonic=False)
FALLS: dict[str, Any] = {"monotonic": False}
BEFORE, DURING = (point(value=7, start_unix_ns=1, time_unix_ns=at) for at in (5, 12))
RESTARTED = point(value=2, start_unix_ns=9, time_unix_ns=12)
LIVING: dict[str, tuple[dict[str, Any], str]] = {
    "a gauge whose newest point has none": (metric("gauge", "1", series(point(value=5), NO_VALUE)), "no value"),
    "a histogram without one": (metric("histogram", "s", series(buckets([1]), NO_VALUE | {"count": 0})), "no value"),
    "a summary without one": (metric("summary", "1", series(NO_VALUE | {"count": 0})), "no value"),
    "deltas of which one has none": (metric("sum", "1", series(point(value=5), NO_VALUE, temporality="delta")), "5"),
    "two processes of which one has none": (metric("sum", "1", series(point(value=5)), series(NO_VALUE)), "5"),
    "an ended process counts no more": (metric("sum", "1", ENDED, series(point(value=2), **FALLS)), "2"),
    "nor does its gauge": (metric("gauge", "1", ENDED, series(point(value=2))), "2"),
    "what it counted stays": (metric("sum", "1", ENDED | {"monotonic": True}, series(point(value=2))), "7"),
    "of those that are left none, those that were there to the last": (
        metric(
            "sum",
            "1",
            ENDED,
            series(point(value=7, time_unix_ns=NOW - 60 * 10**9 - 10**8), **FALLS | {"ended": True}),
            series(point(value=100, time_unix_ns=NOW - 64 * 10**9), **FALLS | {"ended": True}),
        ),
        "12 until 1 min ago",
    ),
    "of none that is left the last value stands": (metric("gauge", "1", ENDED), "5 until 1 min ago"),
    "a run before a restart counts no more": (metric("sum", "1", series(BEFORE, RESTARTED, **FALLS)), "2"),
    "runs at the same time do": (metric("sum", "1", series(DURING, RESTARTED, **FALLS)), "9"),
}


@pytest.mark.parametrize("case", LIVING)
def test_a_value_is_that_of_the_processes_that_still_send(case: str) -> None:
    """And of no point without a value."""
    answer, expected = LIVING[case]
    row = printed(lambda console: metric_table(answer, console, NOW)).splitlines()[3]
    assert row.removeprefix("  all").strip() == expected


def test_tables_in_forty_columns() -> None:
    """What matters least is left out first; names give way."""
    rows = [trace_row("ab" * 16, "/pamazon.Gateway/Search", 2), trace_row("cd" * 16) | {"open_count": 1}]
    assert printed(lambda console: traces_table(rows, console, NOW), 40) == dedent("""\
        trace     operation         time  errors
        ────────────────────────────────────────
        abababab  /pamazon.Ga…   41.2 ms     ✗ 2
        cdcdcdcd  /search       >41.2 ms""")
    assert printed(lambda console: services_table(OPERATIONS[:1], console), 40) == dedent("""\
        operation        errors     p50      p95
        ────────────────────────────────────────
        gateway
          /pamazon.Gat…     0 %  812 µs  41.2 ms""")


@pytest.mark.parametrize("width", [40, 57, 80, 140])
def test_ended_traces_stand_in_line_page_after_page(width: int) -> None:
    """Columns have the width that they had on the first page."""
    rows = [trace_row("ab" * 16, "/search"), trace_row("cd" * 16, "x" * 200, 12)]
    pages = [
        printed(lambda console, row=row, first=first: ended_traces_table([row], console, heads=first), width)
        for first, row in enumerate(rows[::-1])
    ]
    lines = [line for page in pages for line in page.splitlines()]
    assert max(map(len, lines)) <= width
    assert len({line.index(" ms") for line in lines if " ms" in line}) == 1
