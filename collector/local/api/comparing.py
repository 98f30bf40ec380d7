"""The question `/api/compare`: two traces, slow against typical ones, one version against another. No state."""

from typing import Final

from duckdb import DuckDBPyConnection

from collector.local.api.as_json import plain
from collector.local.api.overview import ASKED
from collector.local.api.parameters import Parameters
from collector.local.api.question import Answer, Question
from collector.local.query import comparing
from collector.local.query.comparing.sides import is_of_many
from collector.local.query.once import sum_up_traces


def _compare(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    wanted = asked.ranged_filter(connection)[0]
    left, right = asked.text("left"), asked.text("right")
    if is_of_many(left) or is_of_many(right):
        sum_up_traces(connection)
    answer: Answer = plain(comparing.compare(connection, left, right, wanted))
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
