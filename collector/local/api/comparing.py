"""The question `/api/compare`: two traces, slow against typical ones, one version against another. No state."""

import time
from typing import Final

from duckdb import DuckDBPyConnection

from collector.local.api.as_json import plain
from collector.local.api.parameters import Parameters
from collector.local.api.question import Answer, Question
from collector.local.query import comparing

DEFAULT_RANGE_NS: Final = 3_600 * 10**9
_EQUAL: Final = ("operation", "service", "version", "region", "platform")


def _compare(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    now = asked.now_unix_ns or time.time_ns()
    equal = {name: value for name in _EQUAL if (value := asked.text(name)) is not None}
    wanted = comparing.Wanted(asked.moment_ns("since", now - DEFAULT_RANGE_NS), asked.until_ns(), equal)
    answer: Answer = plain(comparing.compare(connection, asked.text("left"), asked.text("right"), wanted))
    return answer


QUESTIONS: Final = (
    Question(
        "/api/compare",
        "two traces, or two sets of them, by path",
        ("left", "right", "since", "until", *_EQUAL),
        _compare,
    ),
)
