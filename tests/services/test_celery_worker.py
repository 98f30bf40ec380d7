"""A worker that indexes, by Celery: the task is in the trace of the request that sent it."""

import logging
from collections.abc import Iterator
from typing import Any

import celery
import celery.signals
import pytest
from celery.contrib.testing.worker import start_worker

import telemetry
from telemetry.context import extract, inject
from telemetry.testing.logs import Logs
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans

app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
app.conf.broker_transport_options = {"polling_interval": 0.05}


@celery.signals.setup_logging.connect  # type: ignore[untyped-decorator]  # so that Celery leaves logging as it is
def leave_logging(**_: Any) -> None:
    """Set nothing up."""


@telemetry.endpoint("/index", docs="texts")
def index(texts: list[str]) -> int:
    with telemetry.stage("qdrant_index", {"db.system.name": "qdrant", "db.operation.name": "upsert"}):
        logging.getLogger("indexer").warning("%d texts", len(texts))
        if "broken" in texts:
            raise ValueError("cannot be stored")
        return len(texts)


@app.task  # type: ignore[untyped-decorator]
def index_later(texts: list[str], headers: dict[str, str]) -> int:
    with extract(headers):
        return index(texts)


@telemetry.endpoint("/upload")
def upload(docs: list[str]) -> Any:
    return index_later.delay(docs, inject())


@pytest.fixture(scope="module")
def worker() -> Iterator[None]:
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=10):
        yield


def test_a_task_is_in_the_trace_of_its_request(worker: None, spans: Spans, metrics: Metrics, logs: Logs) -> None:
    """The queue carries the trace; the worker counts what it was given."""
    assert upload(["coat", "hat"]).get(timeout=20) == 2
    spans.wait(3)
    assert spans.tree(attributes=["len_docs"]) == ("/upload len_docs=2\n└ /index len_docs=2\n  └ qdrant_index")
    assert logs.one("2 texts") in logs.of(spans.one("qdrant_index"))


def test_a_task_that_fails_is_an_error_of_the_worker_alone(worker: None, spans: Spans, metrics: Metrics) -> None:
    """The request that sent it was fine."""
    with pytest.raises(ValueError, match="stored"):
        upload(["broken"]).get(timeout=20)
    spans.wait(3)
    assert spans.tree(status=True) == "/upload\n└ /index !\n  └ qdrant_index ! ValueError"
    series = metrics.series("search.request.duration")
    assert {one["search.entry"]: one["search.outcome"] for one in series} == {True: "ok", False: "error"}
