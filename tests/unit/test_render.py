"""The picture of a trace: whole outputs, compared as text."""

import io
import os
import sys
import termios
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Span, Text

from collector.local.render.text import ASCII, UNICODE, clean, fit, make_console
from collector.local.render.trace import render_trace
from collector.local.render.tree import guides
from tests.unit.search_trace import search_trace
from tests.unit.trace_pictures import MS, drawn, rows_of, span, trace


def test_a_search_in_eighty_columns_without_colour() -> None:
    """Every meaning is there without colours: the tree, services, times, the path that mattered, main attributes."""
    assert drawn(search_trace()) == dedent("""\
        /pamazon.Gateway/Search  41.2 ms · 13 spans · 4 services
        trace 4bf92f3577b34da6a3ce929d0e0e4736 · 2023-11-14 22:13:20 UTC

          span                           service           time    self 0        41.2 ms
        ● /pamazon.Gateway/Search        pamazon        41.2 ms 1.10 ms ━──────────────━
          │ search.transit.duration=1.10ms
        ● └/pamazon.Gateway/Search       gateway        40.1 ms  700 µs ━──────────────━
        ●  └/search                      gateway        39.4 ms 1.10 ms ━──────────━───━
        ●   ├/pamazon.Executor/Process   gateway        27.8 ms 1.50 ms ━─────────━╸
        ●   │└/pamazon.Executor/Process  clip_encoder   26.3 ms  300 µs ╺─────────━
        ●   │ └/search                   clip_encoder   26.0 ms  400 µs ╺─────────━
            │  │ len_docs=1
        ●   │  └encode                   clip_encoder   25.6 ms  500 µs ╺─────────━
            │   │ runtime=onnx device=cpu model=pamazon-tiny
        ●   │   └inference               clip_encoder   25.1 ms 1.00 ms ╺━────────━
            │    │ minibatch_size=32 has_txt_da=true has_img_da=false
        ●   │    └txt_minibatch_encoding clip_encoder   24.1 ms 24.1 ms  ━━━━━━━━━━
            │       minibatch_size=1
        ●   └/pamazon.Executor/Process   gateway        10.5 ms 1.30 ms            ━───╸
        ●    └/pamazon.Executor/Process  qdrant_indexer 9.20 ms  400 µs            ╺───╸
        ●     └/search                   qdrant_indexer 8.80 ms  700 µs            ╺───╸
               │ len_docs=1
        ●      └qdrant_search            qdrant_indexer 8.10 ms 8.10 ms            ╺━━━╸
                  db.collection.name=pamazon db.vector.query.top_k=10 search.hits=10
                  search.top_score=0.8731

        ● waited for txt_minibatch_encoding 24.1 ms (58 %), qdrant_search 8.10 ms (20 %)""")


def test_a_failed_search_in_eighty_columns_without_colour() -> None:
    """A cross on every span that failed; the reason once, where it happened."""
    assert drawn(search_trace(failed=True)) == dedent("""\
        /pamazon.Gateway/Search  41.2 ms · 13 spans · 4 services  ✗ 7 errors
        trace 4bf92f3577b34da6a3ce929d0e0e4736 · 2023-11-14 22:13:20 UTC

          span                           service           time    self 0        41.2 ms
        ● ✗ /pamazon.Gateway/Search      pamazon        41.2 ms 1.10 ms ━──────────────━
          │ search.transit.duration=1.10ms
        ● └✗ /pamazon.Gateway/Search     gateway        40.1 ms  700 µs ━──────────────━
        ●  └✗ /search                    gateway        39.4 ms 1.10 ms ━──────────━───━
        ●   ├/pamazon.Executor/Process   gateway        27.8 ms 1.50 ms ━─────────━╸
        ●   │└/pamazon.Executor/Process  clip_encoder   26.3 ms  300 µs ╺─────────━
        ●   │ └/search                   clip_encoder   26.0 ms  400 µs ╺─────────━
            │  │ len_docs=1
        ●   │  └encode                   clip_encoder   25.6 ms  500 µs ╺─────────━
            │   │ runtime=onnx device=cpu model=pamazon-tiny
        ●   │   └inference               clip_encoder   25.1 ms 1.00 ms ╺━────────━
            │    │ minibatch_size=32 has_txt_da=true has_img_da=false
        ●   │    └txt_minibatch_encoding clip_encoder   24.1 ms 24.1 ms  ━━━━━━━━━━
            │       minibatch_size=1
        ●   └✗ /pamazon.Executor/Process gateway        10.5 ms 1.30 ms            ━───╸
        ●    └✗ /pamazon.Executor/Proce… qdrant_indexer 9.20 ms  400 µs            ╺───╸
              │ rpc.response.status_code=INTERNAL
        ●     └✗ /search                 qdrant_indexer 8.80 ms  700 µs            ╺───╸
               │ len_docs=1
        ●      └✗ qdrant_search          qdrant_indexer 8.10 ms 8.10 ms            ╺━━━╸
                  ✗ StoreError: collection pamazon is locked by another process
                  db.collection.name=pamazon db.vector.query.top_k=10

        ● waited for txt_minibatch_encoding 24.1 ms (58 %), qdrant_search 8.10 ms (20 %)""")


def test_a_search_on_a_terminal_without_unicode() -> None:
    """The same picture from ASCII's signs."""
    text = drawn(search_trace(failed=True), 100, "ascii")
    assert text == dedent("""\
        /pamazon.Gateway/Search  41.2 ms - 13 spans - 4 services  x 7 errors
        trace 4bf92f3577b34da6a3ce929d0e0e4736 - 2023-11-14 22:13:20 UTC - search.operation=search

          span                                    service            time     self  0                41.2 ms
        * x /pamazon.Gateway/Search               pamazon         41.2 ms  1.10 ms  =----------------------=
          | search.transit.duration=1.10ms
        * ` x /pamazon.Gateway/Search             gateway         40.1 ms   700 us  =----------------------=
        *   ` x /search                           gateway         39.4 ms  1.10 ms  =---------------==-----=
        *     | /pamazon.Executor/Process         gateway         27.8 ms  1.50 ms  ==--------------=
        *     | ` /pamazon.Executor/Process       clip_encoder    26.3 ms   300 us   =--------------=
        *     |   ` /search                       clip_encoder    26.0 ms   400 us   =--------------=
              |     | len_docs=1
        *     |     ` encode                      clip_encoder    25.6 ms   500 us   =--------------=
              |       | runtime=onnx device=cpu model=pamazon-tiny
        *     |       ` inference                 clip_encoder    25.1 ms  1.00 ms   =-------------==
              |         | minibatch_size=32 has_txt_da=true has_img_da=false
        *     |         ` txt_minibatch_encoding  clip_encoder    24.1 ms  24.1 ms   ===============
              |             minibatch_size=1
        *     ` x /pamazon.Executor/Process       gateway         10.5 ms  1.30 ms                   =----==
        *       ` x /pamazon.Executor/Process     qdrant_indexer  9.20 ms   400 us                   =----=
                  | rpc.response.status_code=INTERNAL
        *         ` x /search                     qdrant_indexer  8.80 ms   700 us                   =----=
                    | len_docs=1
        *           ` x qdrant_search             qdrant_indexer  8.10 ms  8.10 ms                   ======
                        x StoreError: collection pamazon is locked by another process
                        db.collection.name=pamazon db.vector.query.top_k=10

        * waited for txt_minibatch_encoding 24.1 ms (58 %), qdrant_search 8.10 ms (20 %)""")


@pytest.mark.parametrize("width", [40, 44, 59, 60, 71, 72, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Names are cut, attributes wrapped; nothing runs over the edge."""
    for answer in (search_trace(), search_trace(failed=True)):
        assert max(cell_len(line) for line in drawn(answer, width).splitlines()) <= width


def test_a_dumb_terminal_is_as_wide_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own width counts, not `COLUMNS`."""
    controller, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 50))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("COLUMNS", raising=False)
    with os.fdopen(terminal, "w") as output, os.fdopen(controller, "rb"):
        monkeypatch.setattr(sys, "__stdout__", output)
        assert make_console(output).width == 50
        monkeypatch.setenv("COLUMNS", "70")
        assert make_console(output).width == 70


def test_spans_beside_the_critical_path_have_no_mark_and_a_light_bar() -> None:
    """Two stages at once: the end waited for the second only."""
    first = span("text", 1, 0, 60, critical_ns=0, critical_parts=[])
    root = span("both", 0, 0, 100, self_ns=0, critical_parts=[[80, 20 * MS]])
    answer = trace(root, first, span("image", 1, 0, 80))
    marks = [(row[0], "━" in row, "─" in row) for row in rows_of(drawn(answer))[:3]]
    assert marks == [("●", True, True), (" ", False, True), ("●", True, False)]


def test_bars_lie_where_the_spans_lie() -> None:
    """Half a cell of precision, and at least half a cell for the shortest."""
    answer = trace(span("root", 0, 0, 100), span("half", 1, 50, 100), span("late", 1, 99, 99), span("first", 1, 0, 0))
    lines = drawn(answer).splitlines()
    bars = [row[lines[3].index(" 0 ") + 1 :] for row in lines[4:8]]
    width = len(bars[0])
    assert bars[0] == "━" * width
    assert bars[1] == " " * (width // 2) + "╺" * (width % 2) + "━" * (width // 2)
    assert bars[2] == " " * (width - 1) + "╺"
    assert bars[3] == "╸"


def test_untrusted_text_cannot_steer_the_terminal() -> None:
    """Escapes, markup, control characters and changes of direction are shown, not obeyed."""
    nasty = "\x1b[2J[red]\x07\u202eevil\nname\x9b31m"
    failing = {"status": "error", "status_message": nasty, "attributes": {nasty: nasty}, "service": nasty}
    text = drawn(trace(span(nasty, 0, 0, 10, **failing), trace_id="ab" * 16), 160)
    assert not {char for char in text if not char.isprintable()} - {"\n"}
    assert "\\x1b[2J[red]\\x07\\u202eevil⏎name\\x9b31m" in text


def test_text_that_the_terminal_cannot_show_is_escaped() -> None:
    """A picture on an ASCII terminal still holds the whole name."""
    assert "\\u68ee" in drawn(trace(span("森", 0, 0, 10)), 80, "ascii")


def test_wide_characters_keep_the_columns() -> None:
    """A Chinese name takes two cells for each character, and the columns after it stay in line."""
    text = rows_of(drawn(trace(span("森" * 30, 0, 0, 10), span("b", 1, 0, 10))))
    assert cell_len(text[0][: text[0].index("gateway")]) == text[1].index("gateway")


def test_a_deep_tree_keeps_its_names() -> None:
    """Guides take at most half of the name's column; the outer levels become an ellipsis."""
    text = drawn(trace(*[span(f"level{i}", i, 0, 10) for i in range(200)]))
    assert "level199" in text
    assert max(map(cell_len, text.splitlines())) <= 80


def test_a_very_large_trace_is_cut_and_is_marked() -> None:
    """500 rows are enough to read; the rest is one option away."""
    answer = trace(*[span(f"n{i}", min(i, 1), 0, 10) for i in range(700)])
    assert "n499" in drawn(answer)
    assert "n500" not in drawn(answer)
    assert "… 200 more spans; --all shows them" in drawn(answer)
    assert "n699" in drawn(answer, max_spans=None)


def test_incomplete_traces_show_what_is_missing() -> None:
    """Spans whose parent is not there, and spans that did not arrive in time."""
    answer = trace(span("root", 0, 0, 10), span("orphan", 0, 1, 2, parent_span_id="gone"), complete=False)
    lines = drawn(answer).splitlines()
    assert lines[2:4] == [
        "Not complete yet: some spans have not arrived.",
        "1 span has a parent that is missing.",
    ]


FAILURES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "an exception's message stands once, innermost": (
        [
            span(
                "a", 0, 0, 9, status="error", status_message="ValueError: bad", attributes={"error.type": "ValueError"}
            ),
            span(
                "b", 1, 0, 9, status="error", status_message="ValueError: bad", attributes={"error.type": "ValueError"}
            ),
        ],
        ["  ✗ ValueError: bad"],
    ),
    "another message stays": (
        [
            span("a", 0, 0, 9, status="error", status_message="no answer"),
            span("b", 1, 0, 9, status="error", status_message="full"),
        ],
        ["  ✗ no answer", "  ✗ full"],
    ),
    "a message that quotes the one within is not printed again": (
        [
            span("a", 0, 0, 9, status="error", status_message="indexer: connection refused by 127.0.0.1"),
            span("b", 1, 0, 9, status="error", status_message="connection refused by 127.0.0.1"),
        ],
        ["✗ connection refused by 127.0.0.1"],
    ),
    "another type than the one within is printed": (
        [
            span("a", 0, 0, 9, status="error", attributes={"error.type": "TimeoutError"}),
            span("b", 1, 0, 9, status="error", attributes={"error.type": "CancelledError"}),
        ],
        ["✗ TimeoutError", "✗ CancelledError"],
    ),
    "an rpc's status as its type is not printed when the reason is known": (
        [
            span(
                "a",
                0,
                0,
                9,
                status="error",
                attributes={"error.type": "INTERNAL", "rpc.response.status_code": "INTERNAL"},
            ),
            span("b", 1, 0, 9, status="error", status_message="full", attributes={"error.type": "ValueError"}),
        ],
        ["rpc.response.status_code=INTERNAL", "✗ ValueError: full"],
    ),
    "an error without words shows its type": (
        [span("a", 0, 0, 9, status="error", attributes={"error.type": "UNAVAILABLE"})],
        ["✗ UNAVAILABLE"],
    ),
    "a caller's mistake shows the rpc's status, not as an error": (
        [span("a", 0, 0, 9, attributes={"rpc.response.status_code": "NOT_FOUND"})],
        ["rpc.response.status_code=NOT_FOUND"],
    ),
    "of two siblings that fail alike both show it": (
        [
            span("a", 0, 0, 9),
            span("b", 1, 0, 9, status="error", status_message="full"),
            span("c", 1, 0, 9, status="error", status_message="full"),
        ],
        ["✗ full", "✗ full"],
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_which_failures_are_shown(case: str) -> None:
    """Said once, where it happened."""
    spans, expected = FAILURES[case]
    beneath = [line.strip(" │●").strip() for line in rows_of(drawn(trace(*spans))) if " ms " not in line]
    assert [line for line in beneath if line.startswith(("✗", "rpc"))] == [line.strip() for line in expected]


def test_attributes_in_the_order_that_matters() -> None:
    """Ours first, then what the service's author chose; plumbing and what stands elsewhere is left out."""
    attributes = {
        "rpc.system": "grpc",
        "server.port": 1,
        "candidates": 50,
        "search.operation": "search",
        "ratio": 0.123456,
        "ids": [1, 2],
        "has_txt_da": True,
        "len_docs": 3,
    }
    text = drawn(trace(span("a", 0, 0, 9, attributes=attributes)))
    assert "  len_docs=3 has_txt_da=true candidates=50 ratio=0.1235 ids=[1, 2]" in text.splitlines()[5]


def test_a_call_that_failed_shows_its_server() -> None:
    """The address is shown only if nothing responds there."""
    address = {"server.address": "127.0.0.1", "server.port": 8100}
    assert "server.address" not in drawn(trace(span("a", 0, 0, 9, attributes=address)))
    failing = {"status": "error", "status_message": "refused", "attributes": address}
    assert "server.address=127.0.0.1 server.port=8100" in drawn(trace(span("a", 0, 0, 9, **failing)))


def test_each_service_has_one_colour_and_errors_are_red() -> None:
    """With colours: the same for all spans of a service, another for the next; a failing span's name is red."""
    console = make_console(io.StringIO(), 100)
    answer = trace(span("a", 0, 0, 9), span("b", 1, 0, 9, service="index"), span("c", 1, 0, 9, status="error"))
    lines = render_trace(answer, console)[4:7]
    styles = [{str(part.style) for part in line.spans if _text(line, part) in {"gateway", "index"}} for line in lines]
    assert styles[0] == styles[2] != styles[1]
    assert {str(part.style) for part in lines[2].spans if _text(lines[2], part) == "✗ c"} == {"bold red"}


def _text(line: Text, part: Span) -> str:
    return line.plain[part.start : part.end].strip()


def test_links_name_the_traces_that_they_point_to() -> None:
    """A batch shows its requests, the first few by the beginning of their ids."""
    links = [{"trace_id": f"{i:x}" * 32, "span_id": "1" * 16, "attributes": {}, "stored": True} for i in range(1, 6)]
    text = drawn(trace(span("batch", 0, 0, 9, links=links)))
    assert "linked to trace 11111111…, 22222222…, 33333333… and 2 more" in text
    assert "kept" not in text


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ([False], f"linked to trace {'0' * 32} (not stored)"),
        ([True, False], "linked to trace 00000000…, 11111111… (1 of them not stored)"),
        ([False, False], "linked to trace 00000000…, 11111111… (none stored)"),
    ],
)
def test_a_link_to_a_trace_that_was_not_kept_is_marked(stored: list[bool], shown: str) -> None:
    """Nobody looks for it in vain."""
    links = [{"trace_id": f"{i:x}" * 32, "span_id": "1" * 16, "stored": here} for i, here in enumerate(stored)]
    assert shown in drawn(trace(span("batch", 0, 0, 9, links=links)), 120)


def test_a_minibatch_names_its_batch_its_wait_and_its_share() -> None:
    """The id of the only link is whole, as `telemetry trace` takes it; seconds are read as durations."""
    links = [{"trace_id": "ab" * 16, "span_id": "1" * 16, "attributes": {}, "stored": True}]
    recorded = {"minibatch_size": 1, "search.batch.queue_wait": 0.0000487, "search.batch.share": 0.0125}
    text = drawn(trace(span("txt_minibatch_encoding", 0, 0, 9, links=links, attributes=recorded)))
    assert f"linked to trace {'ab' * 16}" in text
    assert "search.batch.queue_wait=48.7µs search.batch.share=12.5ms" in text


def test_guides_of_a_tree() -> None:
    """A line runs down as long as a sibling follows."""
    depths = [0, 1, 2, 2, 1, 2, 0]
    assert [guide.row for guide in guides(depths, UNICODE, 2, 40)] == ["", "├ ", "│ ├ ", "│ └ ", "└ ", "  └ ", ""]
    assert [guide.beneath for guide in guides(depths, UNICODE, 2, 40)] == [
        "│ ",
        "│ │ ",
        "│ │   ",
        "│     ",
        "  │ ",
        "      ",
        "  ",
    ]


@given(st.text(), st.integers(0, 30))
def test_fitted_text_has_the_width_it_was_given(text: str, width: int) -> None:
    """Whatever the characters: the columns stay in line."""
    for glyphs in (UNICODE, ASCII):
        if width >= len(glyphs.ellipsis):
            assert cell_len(fit(clean(text), width, glyphs)) == width


def test_the_tree_in_the_documentation_is_the_one_that_is_drawn() -> None:
    """A reader of the page sees what the command shows."""
    page = Path(__file__).parents[2] / "docs" / "commands.md"
    assert f"```text\n{drawn(search_trace())}\n```" in page.read_text("utf-8")
