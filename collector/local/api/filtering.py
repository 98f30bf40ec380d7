"""The question about a filter while it is typed: is it one, where is the mistake, what may follow."""

from collections.abc import Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from collector.local.api.as_json import plain
from collector.local.api.parameters import Parameters
from collector.local.api.question import Answer, Question
from collector.local.query.language.completion import Completion, complete
from collector.local.query.language.parser import LOGS, MOST_CHARACTERS, TRACES, parse
from collector.local.query.language.terms import FilterError
from collector.local.query.vocabulary import StoredWords


@dataclass(frozen=True)
class FilterMistake:
    """Why a text is not a filter."""

    message: str
    at: int
    """The place of the mistake, from 0."""
    hint: str


@dataclass(frozen=True)
class FilterCheck:
    """What is known of a filter."""

    ok: bool
    error: FilterMistake | None
    completions: Sequence[Completion]
    left_out: int
    """Words that are too long to be proposed."""


def check(connection: DuckDBPyConnection, text: str, at: int, *, of_logs: bool) -> FilterCheck:
    """Check a filter, and propose what may be typed at a place of it.

    Args:
        connection: to the store, for the words.
        text: of the filter.
        at: the cursor's place.
        of_logs: a filter of log records; else of traces.
    """
    language = LOGS if of_logs else TRACES
    error = None
    words = StoredWords(connection, of_logs=of_logs)
    try:
        parse(text, language, words.is_attribute)
    except FilterError as mistake:
        error = FilterMistake(mistake.reason, mistake.at, mistake.hint)
    proposed = complete(text, at, language, words)
    return FilterCheck(error is None, error, proposed.words, proposed.left_out)


def _filter(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    text = (asked.text("text") or "")[: MOST_CHARACTERS + 1]
    at = asked.number("at", len(text))
    of_logs = asked.one_of("of", ("traces", "logs")) == "logs"
    answered: Answer = plain(check(connection, text, at, of_logs=of_logs))
    return answered


QUESTIONS = (
    Question(
        "/api/filter", "whether a text is a filter, and what may follow", ("text", "at", "of"), _filter, FilterCheck
    ),
)
