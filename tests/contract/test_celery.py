"""A real Celery worker: its children leave by `os._exit`, after every task if it is configured so."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.prefork_server import PATIENCE, counted
from tests.otlp_stand_in import StandIn

TASKS = """
import logging, os
import telemetry
from celery import Celery

app = Celery("tasks", broker="filesystem://", backend=f"file://{os.getcwd()}/results", broker_transport_options={
    "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control"})
telemetry.configure("worker", logs="otlp", metric_interval=3600, span_interval=3600, log_interval=3600)

@app.task
@telemetry.endpoint("/below")
def below(docs):
    logging.getLogger("shop").warning("sold out")
    return len(docs)
"""
ASK = """
import tasks
found = [task.delay([1, 2]) for task in (tasks.below,) for _ in range(3)]
print([one.get(timeout=40) for one in found])
"""


@contextmanager
def worker(folder: Path, environment: dict[str, str], *options: str) -> Iterator[None]:
    """Run a worker until the block ends."""
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--loglevel", "info", *options]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = subprocess.Popen([*command, *quiet], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    log: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            log.append(line)
            if " ready." in line:
                ready.set()
        ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert ready.wait(PATIENCE), log
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)
        reader.join(PATIENCE)
        assert process.stderr is not None
        process.stderr.close()
    assert "Traceback" not in "".join(log), log


def test_a_child_that_ends_after_its_task_exports_it(collector: StandIn, tmp_path: Path) -> None:
    """`--max-tasks-per-child=1`: spans, metrics and logs of every task are there, each child an instance.

    The intervals are longer than the test: nothing leaves but at the end of a child.
    """
    (tmp_path / "tasks.py").write_text(TASKS)
    for name in ("queue", "results", "control"):
        (tmp_path / name).mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SEARCH_TELEMETRY_"))}
    environment = {**clean, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc}
    with worker(tmp_path, environment, "-P", "prefork", "-c", "2", "--max-tasks-per-child=1"):
        asked = subprocess.run(
            [sys.executable, "-c", ASK], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
    assert (asked.returncode, asked.stdout) == (0, "[2, 2, 2]\n"), asked.stderr
    done = [resource["service.instance.id"] for span, resource in collector.spans() if span.name == "/below"]
    assert len(set(done)) == len(done) == 3
    assert counted(collector, "search.request.duration") == dict.fromkeys(done, 1)
    assert [record.body.string_value for record in collector.logs()].count("sold out") == 3
