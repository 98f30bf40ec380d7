"""The picture of log records: whole outputs, compared as text."""

from textwrap import dedent
from typing import Any

import pytest
from rich.cells import cell_len

from collector.local.render.logs import LogLines
from tests.unit.test_render_tables import printed

SECOND = 10**9
START = 1_700_000_000 * SECOND
STACK = "\n".join(["Traceback (most recent call last):", *(f'  File "a.py", line {i}' for i in range(20)), "E: full"])


def record(body: Any, at_s: float = 0, number: int = 9, text: str = "INFO", **changes: Any) -> dict[str, Any]:
    """A record as the API gives it."""
    given = {"time_unix_ns": START + int(at_s * SECOND), "observed_unix_ns": 0, "event_name": "", "service": "gateway"}
    known = {"severity_number": number, "severity_text": text, "body": body, "attributes": {}, "trace_id": None}
    return given | known | changes


RECORDS = [
    record("searching", attributes={"len_docs": 1, "code.lineno": 7}, trace_id="ab" * 16),
    record("two lines\nof words " + "on and on " * 6, 0.5, 13, "WARNING", service="a_service_of_a_long_name"),
    record({"a": [1]}, 86_400, 0, "", event_name="order"),
    record("", 86_400.25, 17, "ERROR", attributes={"exception.type": "StoreError", "exception.message": "full"}),
]


def drawn(records: list[dict[str, Any]], width: int = 80, encoding: str = "utf-8") -> str:
    def draw(console: Any) -> Any:
        lines = list(LogLines(console).draw(records))
        assert max(line.cell_len for line in lines) <= width
        return "\n".join(line.plain for line in lines)

    return printed(draw, width, encoding)


def test_records_in_eighty_columns() -> None:
    """The day where it changes; time, level, service, and the body; below it the other fields."""
    assert drawn(RECORDS) == dedent("""\
        2023-11-14 UTC
        22:13:20.000 INFO  gateway        searching
                                          len_docs=1 trace=abababab
        22:13:20.500 WARN  a_service_of_… two lines
                                          of words on and on on and on on and on on and
                                          on on and on on and on
        2023-11-15 UTC
        22:13:20.000       gateway        order {"a":[1]}
        22:13:20.250 ERROR gateway
                                          ✗ StoreError: full""")


def test_records_in_forty_columns() -> None:
    """The body has the whole width."""
    assert drawn(RECORDS[:1], 40) == dedent("""\
        2023-11-14 UTC
        22:13:20.000 INFO  gateway
          searching
          len_docs=1 trace=abababab""")


def test_of_a_long_stack_trace_the_end_is_shown() -> None:
    """Where it happened; all of it is in the JSON."""
    lines = drawn([record("failed", number=17, attributes={"exception.stacktrace": STACK})]).splitlines()
    assert lines[2].strip() == "… 10 more lines: --json"
    assert [line.strip() for line in lines[-2:]] == ['File "a.py", line 19', "E: full"]


@pytest.mark.parametrize("width", [40, 63, 64, 80, 140])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_the_terminal(width: int, encoding: str) -> None:
    """Long words, wide characters, what would steer the terminal."""
    text = drawn([*RECORDS, record("x" * 300 + " 森" * 90 + "\x1b[2J", service="森" * 40)], width, encoding)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text
