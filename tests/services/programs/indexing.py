"""A Celery worker that indexes documents, in the trace of whoever asked for it."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.utils.log import get_task_logger

import telemetry
from telemetry.context import extract

telemetry.configure("indexing", logs="otlp")
log = get_task_logger(__name__)

FOLDERS = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control", "polling_interval": 0.1}
app = Celery("indexing", broker="filesystem://", backend="file://results", broker_transport_options=FOLDERS)
SHELVES: dict[str, list[str]] = {"jackets": [], "hats": []}


class UnknownShelf(LookupError):
    """The shop has no such shelf: a mistake of whoever asks."""


class Flaky(ConnectionError):
    """The index is away for a moment."""


@app.task(bind=True, name="index", throws=(UnknownShelf,))  # type: ignore[untyped-decorator]
def index(self: Any, shelf: str, docs: list[str]) -> int:
    """Put documents on a shelf."""
    with extract(self.request.headers or {}):
        return put(shelf, docs)


@telemetry.endpoint("/index", expected=(UnknownShelf,))
def put(shelf: str, docs: list[str]) -> int:
    """Put documents on a shelf."""
    if shelf not in SHELVES:
        raise UnknownShelf(f"there is no shelf {shelf!r}")
    with telemetry.stage("encode", minibatch_size=len(docs)):
        vectors = [len(doc) / len(doc.strip()) for doc in docs]  # an empty document is a fault that nobody caught
    SHELVES[shelf].extend(docs)
    log.info("indexed %d documents", len(vectors))
    telemetry.index_points(shelf, len(SHELVES[shelf]))
    return len(vectors)


@telemetry.endpoint("/refresh")
@app.task(bind=True, name="refresh", autoretry_for=(Flaky,), default_retry_delay=0)  # type: ignore[untyped-decorator]
def refresh(self: Any, docs: list[str]) -> int:
    """Read documents again; the first attempt finds the index away."""
    if self.request.retries == 0:
        raise Flaky("the index is away")
    return len(docs)
