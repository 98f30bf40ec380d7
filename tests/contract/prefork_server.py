"""Real pre-fork servers for tests: gunicorn and uvicorn with several workers, on a free port, ended at the end.

In: the server's arguments. Out: its address, what its workers answered. State: the process, owned by `serving`.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.otlp_stand_in import StandIn, attributes

PATIENCE = 30.0  # seconds after which an awaited event counts as missing

APP = """
import asyncio, logging, os, warnings
import telemetry
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on
from telemetry.recording.guard import guard
guard.strict = True

handle = telemetry.configure("shop", logs="otlp")
log = logging.getLogger("shop")

@telemetry.endpoint("/search")
def search(docs):
    with telemetry.stage("work", pid=os.getpid()):
        log.warning("sold out")
    return str(os.getpid()).encode()

def wsgi(environ, start_response):
    body = search([1, 2])
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown" and "FLUSHES" in os.environ:
                await asyncio.to_thread(handle.shutdown, 1.5)
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = search([1, 2])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""


class Server:
    """A server that runs. `log` is what it has written so far."""

    def __init__(self, process: "subprocess.Popen[str]", workers: int) -> None:
        self.process = process
        self.log: list[str] = []
        self.out = ""  # once it has ended
        self.address = ""
        self._awaited = workers
        self._started = 0
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            found = re.search(r"(?:Listening at:|running on) (http://127.0.0.1:\d+)", line)
            if found:
                self.address = found[1]
            self._started += "Application startup complete" in line  # uvicorn's workers listen only then
            if "Listening at" in line or (self.address and self._started == self._awaited):
                self._ready.set()
        self._ready.set()

    def ready(self) -> None:
        """Wait until it listens."""
        assert self._ready.wait(PATIENCE), self.log
        assert self.address, self.log

    def ask(self) -> int:
        """Ask once, on a connection of its own; return which worker answered."""
        answer = httpx.get(self.address, timeout=PATIENCE, trust_env=False)
        assert answer.status_code == 200, answer.text
        return int(answer.text)

    def ask_until(self, enough: Callable[[list[int]], bool]) -> list[int]:
        """Ask until the answers are enough; return the workers that answered, in their order."""
        answered: list[int] = []
        began = time.monotonic()
        while not enough(answered):
            assert time.monotonic() - began < PATIENCE, (answered, self.log)
            answered.append(self.ask())
        return answered

    def end(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Ask the server to end, and wait for it."""
        self.process.send_signal(by)
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)


@contextmanager
def serving(folder: Path, collector: StandIn, *command: str, **environment: str) -> Iterator[Server]:
    """Run `python -m COMMAND` on the applications above, exporting to `collector`."""
    (folder / "shop_app.py").write_text(APP)
    with start(folder, collector, [sys.executable, "-m", *command], workers=2, **environment) as server:
        yield server


@contextmanager
def start(
    folder: Path, collector: StandIn, command: list[str], *, workers: int = 1, **environment: str
) -> Iterator[Server]:
    """Run a server's command in `folder`, exporting to `collector`, and wait until it listens."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SEARCH_TELEMETRY_"))}
    with (folder / "stdout").open("w+") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**clean, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc, **environment},
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
    server = Server(process, workers)
    try:
        server.ready()
        yield server
    finally:
        if process.poll() is None:
            server.end()
        server.out = (folder / "stdout").read_text()
        assert process.stderr is not None
        process.stderr.close()


def gunicorn(*options: str) -> list[str]:
    """The command that serves the application by gunicorn on a free port."""
    return ["gunicorn", "--bind", "127.0.0.1:0", "--no-control-socket", "--graceful-timeout", "5", *options]


def uvicorn() -> list[str]:
    """The command that serves the application by uvicorn on a port that is free now: it does not report it."""
    return ["uvicorn", "--host", "127.0.0.1", "--port", str(free_port()), "--workers", "2", "shop_app:asgi"]


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def workers(collector: StandIn) -> dict[int, set[str]]:
    """The instance ids that each worker's spans came with."""
    found: dict[int, set[str]] = {}
    for span, resource in collector.spans():
        if span.name == "work":
            found.setdefault(attributes(span.attributes)["pid"], set()).add(resource["service.instance.id"])
    return found


def counted(collector: StandIn, metric: str) -> dict[str, int]:
    """The last value of a histogram's count, by instance."""
    last: dict[str, int] = {}
    for request in collector.got("metrics"):
        for of_resource in request.resource_metrics:
            points: list[Any] = [
                point
                for scope in of_resource.scope_metrics
                for found in scope.metrics
                if found.name == metric
                for point in found.histogram.data_points
            ]
            if points:
                instance = attributes(of_resource.resource.attributes)["service.instance.id"]
                last[instance] = sum(point.count for point in points)
    return last
