"""The question `/api/compare`: two traces, slow against typical ones, one version against another. No state."""

from typing import Final

from duckdb import DuckDBPyConnection

from collector.local.api.as_json import plain
from collector.local.api.overview import ASKED
from collector.local.api.parameters import Parameters
from collector.local.api.question import Answer, Question
from collector.local.query import comparing


def _compare(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    wanted = asked.ranged_filter(connection)[0]
    answer: Answer = plain(comparing.compare(connection, asked.text("left"), asked.text("right"), wanted))
    return answer


QUESTIONS: Final = (
    Question(
        "/api/compare",
        "two traces, or two sets of them, by path",
        ("left", "right", *ASKED),
        _compare,
        comparing.Comparison,
    ),
)
