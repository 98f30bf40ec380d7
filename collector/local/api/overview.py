"""The questions about many traces at once: what is slow, for whom, since when."""

from duckdb import DuckDBPyConnection

from collector.local.api.as_json import plain
from collector.local.api.parameters import Parameters
from collector.local.api.question import Answer, Question
from collector.local.query.overview.choices import choosable
from collector.local.query.overview.map import ServiceMap, service_map
from collector.local.query.overview.performance import Performance, performance
from collector.local.query.overview.scatter import Scatter, scatter
from collector.local.query.overview.summary import Summary, summary
from collector.local.query.overview.who import Who, who
from collector.local.query.overview.worst import Worst, worst

ASKED = (
    "since", "until", "platform", "region", "version", "operation", "service", "filter", "status", "min_duration",
    "attribute", "batches",
)  # fmt: skip
"""The parameters that all of them have."""


def _performance(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    scope = asked.text("scope") or "entry"
    about = asked.asked_often(connection) if scope == "entry" else asked.asked(connection)
    return _plain(performance(connection, about, scope, asked.limit(100), asked.text("before")))


def _worst(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _plain(worst(connection, asked.asked_often(connection)))


def _who(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _plain(choosable(who(connection, asked.asked_often(connection))))


def _summary(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _plain(summary(connection, asked.asked_often(connection)))


def _scatter(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _plain(scatter(connection, asked.asked(connection), asked.text("x") or "len_docs"))


def _map(connection: DuckDBPyConnection, _: str, asked: Parameters) -> Answer:
    return _plain(service_map(connection, asked.asked(connection)))


def _plain(value: object) -> Answer:
    answered: Answer = plain(value)
    return answered


QUESTIONS = (
    Question(
        "/api/performance",
        "rate, percentiles and failures of entry points, inner stages or rpc",
        ("scope", *ASKED, "limit", "before"),
        _performance,
        Performance,
    ),
    Question("/api/worst", "the platform and region that is slower than all others", ASKED, _worst, Worst),
    Question("/api/who", "platforms, regions, versions and operations that were seen", ASKED, _who, Who),
    Question("/api/summary", "one operation over time: percentiles, rates, errors, children", ASKED, _summary, Summary),
    Question("/api/scatter", "durations over a number that requests have", ("x", *ASKED), _scatter, Scatter),
    Question("/api/map", "services, and who calls whom", ASKED, _map, ServiceMap),
)
