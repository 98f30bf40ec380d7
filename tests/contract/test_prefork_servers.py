"""Pre-fork servers: every worker of gunicorn and of uvicorn exports its own, however it begins and ends."""

import os
import re
import signal
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.contract.prefork_server import counted, free_port, gunicorn, serving, uvicorn, workers
from tests.otlp_stand_in import StandIn, attributes


def by_two(answered: list[int]) -> bool:
    """Two workers have answered, ten times in all."""
    return len(set(answered)) == 2 and len(answered) >= 10


def works(collector: StandIn) -> Counter[int]:
    """How many spans came of each worker's work."""
    return Counter(attributes(span.attributes)["pid"] for span, _ in collector.spans() if span.name == "work")


GUNICORN = {
    "sync": gunicorn("--workers", "2", "shop_app:wsgi"),
    "sync, preloaded": gunicorn("--workers", "2", "--preload", "shop_app:wsgi"),
    "gthread": gunicorn("--workers", "2", "--worker-class", "gthread", "--threads", "2", "shop_app:wsgi"),
    "gthread, preloaded": gunicorn(
        "--workers", "2", "--worker-class", "gthread", "--threads", "2", "--preload", "shop_app:wsgi"
    ),
    "gevent, preloaded": gunicorn("--workers", "2", "--worker-class", "gevent", "--preload", "shop_app:wsgi"),
}
UVICORN_WORKERS = {
    "gunicorn's uvicorn workers, preloaded": gunicorn(
        "-w", "2", "-k", "uvicorn_worker.UvicornWorker", "--preload", "shop_app:asgi"
    ),
}
KINDS = ["sync", "sync, preloaded", "gthread, preloaded", "gevent, preloaded"]


@pytest.mark.parametrize("kind", [*KINDS, *UVICORN_WORKERS, "uvicorn"])
def test_every_worker_exports_all_of_its_own(collector: StandIn, tmp_path: Path, kind: str) -> None:
    """Spans, logs and metrics of every request are there when the server has ended, each worker an instance.

    `configure` was called before the fork where the application is preloaded, after it elsewhere. Uvicorn's workers
    flush in the application's `lifespan`: they die of the signal that ended them, without any exit hook.
    """
    command = uvicorn() if kind == "uvicorn" else {**GUNICORN, **UVICORN_WORKERS}[kind]
    with serving(tmp_path, collector, *command, FLUSHES="yes") as server:
        answered = Counter(server.ask_until(by_two))
        began = time.monotonic()
        server.end()
        assert time.monotonic() - began < 10
        log = "".join(server.log)
        assert "Traceback" not in log, log
        assert "cannot be delivered" not in log, log
    assert works(collector) == answered
    instances = workers(collector)
    assert all(len(instance) == 1 for instance in instances.values())
    assert len(set.union(*instances.values())) == 2
    assert len(collector.logs()) == answered.total()
    expected = {instance: answered[pid] for pid, (instance,) in instances.items()}
    assert counted(collector, "search.request.duration") == expected


@pytest.mark.parametrize("kind", ["sync", "gthread, preloaded"])
def test_workers_that_are_recycled_lose_nothing(collector: StandIn, tmp_path: Path, kind: str) -> None:
    """`max_requests` replaces a worker after every three requests; each is an instance, and all work is there."""
    with serving(tmp_path, collector, *GUNICORN[kind], "--max-requests", "3") as server:
        answered = Counter(server.ask_until(lambda answered: len(set(answered)) >= 4))
        server.end()
        log = "".join(server.log)
        assert "Traceback" not in log, log
    assert works(collector) == answered
    instances = workers(collector)
    assert len(set.union(*instances.values())) == len(answered) >= 4


@pytest.mark.parametrize("kind", ["sync, preloaded", "gthread"])
def test_a_worker_that_is_killed_is_replaced_and_the_others_go_on(
    collector: StandIn, tmp_path: Path, kind: str
) -> None:
    """Kill -9 costs what that worker did last, and nothing of the other's; its successor exports as a new instance."""
    with serving(tmp_path, collector, *GUNICORN[kind]) as server:
        before = server.ask_until(by_two)
        collector.wait_until(lambda: works(collector) == Counter(before))
        unlucky = server.ask()
        os.kill(unlucky, signal.SIGKILL)
        after = server.ask_until(lambda answered: len(set(answered) - {unlucky}) == 2)
        server.end()
    expected = Counter([*before, unlucky, *after])
    found = works(collector)
    assert 0 <= expected[unlucky] - found[unlucky] <= 1 + after.count(unlucky)
    assert {pid: count for pid, count in found.items() if pid != unlucky} == {
        pid: count for pid, count in expected.items() if pid != unlucky
    }
    assert len(set.union(*workers(collector).values())) == 3


def test_a_uvicorn_worker_without_a_lifespan_loses_its_last_half_second_at_most(
    collector: StandIn, tmp_path: Path
) -> None:
    """It dies of its signal. What it did before is exported within half a second, by itself."""
    with serving(tmp_path, collector, *uvicorn()) as server:
        answered = Counter(server.ask_until(by_two))
        collector.wait_until(lambda: works(collector) == answered, patience=0.5)
        server.end()
    assert len(collector.logs()) == answered.total()


def test_each_worker_of_uvicorn_has_its_pulled_metrics_at_a_port_of_its_own(collector: StandIn, tmp_path: Path) -> None:
    """The second one finds the port taken: it reports that and where its own are; both together have counted all."""
    port = str(free_port())
    pulled = {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": port}
    with serving(tmp_path, collector, *uvicorn(), **pulled) as server:
        answered = server.ask_until(by_two)
        (output,) = [line for line in server.log if "is taken on localhost" in line]
        found = re.search(r"are served at ([\d.:]+)", output)
        assert found is not None, output
        pages = [
            httpx.get(f"http://{where}/metrics", trust_env=False).text for where in (f"localhost:{port}", found[1])
        ]
    counts = re.findall(r"^search_request_duration_seconds_count{.*} (\d+)", "\n".join(pages), re.MULTILINE)
    assert (len(counts), sum(map(int, counts))) == (2, len(answered))
