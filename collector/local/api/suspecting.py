"""The questions of what slow and failing requests have in common: suspects, and the tags of all."""

from duckdb import DuckDBPyConnection

from collector.analysis.suspects.problems import Problem
from collector.local.api.as_json import plain
from collector.local.api.overview import ASKED
from collector.local.api.parameters import Parameters
from collector.local.api.question import Answer, Question
from collector.local.query.once import sum_up_traces
from collector.local.query.suspects.finding import find_suspects
from collector.local.query.suspects.rows import Suspects
from collector.local.query.suspects.tags import Tags, find_tags

AUTO = "auto"


def _suspects(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    kind = asked.one_of("problem", (AUTO, *Problem))
    problem = None if kind == AUTO else Problem(kind)
    wanted = asked.ranged_filter(connection)[0]
    sum_up_traces(connection)
    answered: Answer = plain(find_suspects(connection, wanted, problem, asked.limit(10)))
    return answered


def _tags(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    wanted = asked.ranged_filter(connection)[0]
    answered: Answer = plain(find_tags(connection, wanted, asked.limit(20)))
    return answered


QUESTIONS = (
    Question(
        "/api/suspects",
        "what is wrong, where the time goes, and what the requests concerned have more often than others",
        ("problem", *ASKED, "limit"),
        _suspects,
        Suspects,
    ),
    Question("/api/tags", "values of attributes, with share, p95 and failures", (*ASKED, "limit"), _tags, Tags),
)
