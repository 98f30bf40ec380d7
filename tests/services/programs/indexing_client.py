"""Asks a Celery worker to index documents, and waits for what became of it."""

from __future__ import annotations

from typing import Any

from celery import Celery

import telemetry
from telemetry.context import inject

FOLDERS = {"data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"}
app = Celery("shop", broker="filesystem://", backend="file://results", broker_transport_options=FOLDERS)


@telemetry.endpoint("/upload")
def upload(shelf: str, docs: list[str]) -> Any:
    """Hand documents to the worker; they are indexed later."""
    return app.send_task("index", [shelf, docs], headers=inject())


def outcome(task: Any) -> str:
    """How a task ended."""
    try:
        return f"{task.get(timeout=40, interval=0.05)} done"
    except Exception as error:  # noqa: BLE001 (whatever the worker raised)
        return f"{type(error).__name__}: {error}"


def main() -> None:
    """Four tasks at once."""
    telemetry.configure("indexing_client")
    tasks = [
        upload("jackets", ["black jacket", "red coat"]),
        upload("sofas", ["a sofa"]),
        upload("hats", ["a hat", "  "]),
        app.send_task("refresh", [["one", "two", "three"]]),
    ]
    for task in tasks:
        print(outcome(task))


if __name__ == "__main__":
    main()
