"""The picture of a trace shows only what is true: of odd shapes, open spans, records between them, narrow terminals."""

from textwrap import dedent
from typing import Any

import pytest
from rich.cells import cell_len

from tests.unit.search_trace import search_trace
from tests.unit.trace_pictures import MS, drawn, rows_of, span, trace


def record(body: Any, offset_ms: float, span_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """The JSON of a log record of a trace."""
    given = {"severity_number": 9, "severity_text": "INFO", "event_name": "", "service": "gateway", "attributes": {}}
    times = {"offset_ns": int(offset_ms * MS), "time_unix_ns": int(offset_ms * MS), "observed_unix_ns": 0}
    return given | times | {"body": body, "span_id": span_id, "trace_id": "ab" * 16} | changes


CYCLES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "two spans": (
        [span("a", 0, 0, 9, parent_span_id="b"), span("b", 1, 1, 8, parent_span_id="a")],
        "The parents of 2 spans form a cycle.",
    ),
    "itself": ([span("a", 0, 0, 9, parent_span_id="a")], "1 span is its own parent."),
    "three spans, and one beneath them": (
        [
            span("a", 0, 0, 9, parent_span_id="c"),
            span("b", 1, 1, 8, parent_span_id="a"),
            span("c", 2, 2, 7, parent_span_id="b"),
            span("d", 3, 3, 6, parent_span_id="c"),
        ],
        "The parents of 3 spans form a cycle.",
    ),
}


@pytest.mark.parametrize("case", CYCLES)
def test_a_cycle_of_parents_is_called_one(case: str) -> None:
    """The parents are there, all of them."""
    spans, expected = CYCLES[case]
    lines = drawn(trace(*spans)).splitlines()
    assert lines[2:4] == [expected, ""]


def test_a_span_without_an_end_has_not_ended() -> None:
    """It has no duration, and is not on the critical path; the trace lasts at least as long as what has ended."""
    answer = trace(span("root", 0, 0, 0, end_unix_ns=0, critical_ns=0, critical_parts=[]))
    assert drawn(answer).splitlines() == [
        "root  0 ns so far · 1 span · 1 service",
        f"trace {'ab' * 16} · 1970-01-01 00:00:00 UTC",
        "1 span has not ended.",
        "",
        "  span             service    time    self 0                                0 ns",
        "  root             gateway    open         ╴",
        "    has not ended",
    ]


def test_a_span_that_ends_before_it_begins_has_no_duration() -> None:
    """A clock was set back."""
    answer = trace(span("root", 0, 0, 10), span("odd", 1, 5, 5, end_unix_ns=1))
    row, labels = rows_of(drawn(answer))[1:3]
    assert row.split()[-4:-1] == ["odd", "gateway", "?"]
    assert labels.strip() == "ends before it begins"


def test_a_span_without_a_start_is_marked() -> None:
    """Neither 1970, nor a duration."""
    answer = trace(span("root", 0, 0, 0, start_unix_ns=0, end_unix_ns=1_700_000_000 * 10**9, critical_ns=0))
    answer["spans"][0]["critical_parts"] = []
    assert drawn(answer).splitlines() == [
        "root  ? · 1 span · 1 service",
        f"trace {'ab' * 16} · ended 2023-11-14 22:13:20 UTC",
        "",
        "  span             service    time    self 0                                   ?",
        "  root             gateway       ?         ╴",
        "    start is not known",
    ]


@pytest.mark.parametrize("changes", [{"start_unix_ns": 0}, {"end_unix_ns": 1, "start_unix_ns": 2}])
def test_a_time_that_is_not_known_has_one_sign(changes: dict[str, int]) -> None:
    """In the tree and above it."""
    header, _, _, _, row, *_ = drawn(trace(span("root", 0, 0, 0, critical_ns=0, **changes))).splitlines()
    assert (header.split()[1], row.split()[2]) == ("?", "?")


def test_a_span_without_a_start_is_off_the_critical_path() -> None:
    """It is not among those that the end was waiting for, not even for 0 ns."""
    answer = trace(span("root", 0, 0, 10), span("odd", 1, 5, 5, start_unix_ns=0))
    assert drawn(answer).splitlines()[-1] == "● waited for root 10.0 ms (100 %)"


def test_log_records_stand_at_their_place_in_time() -> None:
    """Among the children of their span; those of no span that is here stand last."""
    spans = [span("root", 0, 0, 100), span("first", 1, 10, 40), span("second", 1, 50, 90)]
    logs = [
        record("begun", 1, "root"),
        record("within", 20, "first"),
        record("between", 45, "root", severity_number=13),
        record("at the end", 95, "root", severity_number=17, severity_text="ERROR"),
        record({"a": 1}, 99, "elsewhere"),
    ]
    shown = drawn(trace(*spans, logs=logs, log_count=9))
    labels = [line[:30].strip("● ├└│").split("  ")[0].removeprefix("• ") for line in rows_of(shown)[:8]]
    assert labels == [
        "root",
        "begun",
        "first",
        "within",
        "WARN between",
        "second",
        "ERROR at the end",
        '{"a":1}',
    ]
    assert f"… 4 more log records: telemetry logs --trace {'ab' * 4}" in shown
    bar = {line.split("  ")[0].strip("● ├└│•"): line.rfind("•") for line in rows_of(shown)[:8] if "•" in line}
    assert sorted(bar.values()) == list(bar.values())


def test_ten_thousand_records_are_drawn() -> None:
    """Whatever the number of spans between them."""
    spans = [span("root", 0, 0, 20_000), *[span(f"n{i}", 1, 2 * i, 2 * i + 1) for i in range(10_000)]]
    logs = [record(f"r{i}", 2 * i + 1.5, "root") for i in range(10_000)]
    text = drawn(trace(*spans, logs=logs, log_count=10_000), max_spans=None)
    assert text.index("n9998 ") < text.index("r9998 ") < text.index("n9999 ") < text.index("r9999 ")


def test_a_search_in_forty_columns() -> None:
    """Names and bars stay; the service stands where it changes."""
    assert "\n".join(drawn(search_trace(failed=True), 40).splitlines()[:15]) == dedent("""\
        /pamazon.Gateway/Search
        41.2 ms · 13 spans · 4 services
        ✗ 7 errors
        trace 4bf92f3577b34da6a3ce929d0e0e4736
        2023-11-14 22:13:20 UTC

          span                 time 0    41.2 ms
        ● ✗ /pamazon.Gatew… 41.2 ms ━──────────━
          │ in pamazon
          │ search.transit.duration=1.10ms
        ● └✗ /pamazon.Gate… 40.1 ms ━──────────━
           │ in gateway
        ●  └✗ /search       39.4 ms ━───────━──━
        ●   ├/pamazon.Exec… 27.8 ms ━───────╸
        ●   │└/pamazon.Exe… 26.3 ms ╺───────╸""")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [40, 59, 64, 80, 140])
def test_nothing_is_wider_than_the_terminal(width: int, encoding: str) -> None:
    """Long names, deep trees, wide characters, records, links, every warning."""
    links = [{"trace_id": f"{i:x}" * 32, "span_id": "1" * 16, "stored": False} for i in range(1, 6)]
    spans = [span("森" * 40, 0, 0, 100, service="森" * 20, end_unix_ns=0, links=links, parent_span_id="gone")]
    spans += [span(f"level{i}" * 9, i, 0, 10, status="error", status_message="x" * 300) for i in range(1, 40)]
    logs = [record("long " * 50, 1, "level1" * 9), record("森" * 90, 2)]
    answer = trace(*spans, logs=logs, log_count=1_000_000, complete=False)
    assert max(cell_len(line) for line in drawn(answer, width, encoding).splitlines()) <= width
