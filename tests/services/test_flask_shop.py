"""A shop's search by Flask: a method of a class, an error handler, and threads that keep the request."""

import logging

import flask
import pytest
from flask.testing import FlaskClient

import telemetry
from telemetry.context import ThreadPoolExecutor
from telemetry.testing.logs import Logs
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans
from tests.entry import ENTRY

GOODS = {"coat": 3, "hat": 1}


class NoSuchWord(LookupError):
    """Nobody sells that."""


class Search:
    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    @telemetry.endpoint("/search", expected=NoSuchWord)
    def search(self, q: str) -> list[int]:
        return list(self._pool.map(self._look_up, q.split()))

    @telemetry.stage("look up")
    def _look_up(self, word: str) -> int:
        if word == "crash":
            raise RuntimeError("the index is gone")
        if word not in GOODS:
            raise NoSuchWord(word)
        return GOODS[word]


@pytest.fixture
def client() -> FlaskClient:
    app = flask.Flask("shop")
    shop = Search(ThreadPoolExecutor(1))

    @app.get("/search")
    def search() -> dict[str, list[int]]:
        logging.getLogger("shop").warning("asked")
        return {"found": shop.search(q=flask.request.args["q"])}

    @app.errorhandler(NoSuchWord)
    def unknown(error: NoSuchWord) -> tuple[str, int]:
        return str(error), 404

    return app.test_client()


def test_a_search_by_threads_is_one_tree(client: FlaskClient, spans: Spans, metrics: Metrics) -> None:
    """Each word is looked up in a thread, below the endpoint."""
    assert client.get("/search?q=coat+hat").json == {"found": [3, 1]}
    assert spans.tree(attributes=["len_docs"]) == "/search len_docs=1\n├ look up\n└ look up"
    assert metrics.value("search.stage.duration", {"search.operation": "search", "search.stage": "look up"}) == 2


def test_outcomes_distinguish_mistakes_from_failures(
    client: FlaskClient,
    spans: Spans,
    metrics: Metrics,
    logs: Logs,
) -> None:
    """What is expected is answered with 404 and rejected; what is not is an error, 500, with its stack in one place."""
    statuses = [client.get(f"/search?q={word}").status_code for word in ("coat", "boat", "crash")]
    assert statuses == [200, 404, 500]
    assert spans.tree(status=True) == ("/search\n└ look up\n/search\n└ look up\n/search !\n└ look up ! RuntimeError")
    assert metrics.series("search.request.duration") == [
        {**ENTRY, "search.operation": "search", "search.outcome": "ok"},
        {**ENTRY, "search.operation": "search", "search.outcome": "rejected"},
        {**ENTRY, "search.operation": "search", "search.outcome": "error", "error.type": "RuntimeError"},
    ]
    assert logs.messages.count("asked") == 3
