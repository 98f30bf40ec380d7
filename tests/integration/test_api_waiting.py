"""The query API over HTTP: requests that wait for what has not arrived yet."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.local.server import LocalCollector
from tests.integration.otlp_by_hand import START, running_collector, send, span

A, B = "a" * 32, "b" * 32
RPC = {"rpc.system.name": "grpc"}


class Waiting:
    """A request that waits for a trace, and the moment when it really waits."""

    def __init__(self, collector: LocalCollector, patch: pytest.MonkeyPatch) -> None:
        self.began = threading.Event()
        self._address = collector.addresses.api
        original = collector.store.changed.wait

        def wait(after: int, timeout_s: float) -> int:
            self.began.set()
            return original(after, timeout_s)

        patch.setattr(collector.store.changed, "wait", wait)

    def get(self, path: str) -> Any:
        # the limit of the wait is far above the client's patience: only the event can answer in time
        return httpx.get(f"http://{self._address}{path}", timeout=15, trust_env=False).json()


def test_a_wait_ends_when_the_last_part_of_the_trace_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client span is there, its server span comes later, from another process."""
    with running_collector() as collector, ThreadPoolExecutor(1) as pool:
        send(collector.addresses.http, "traces", "gateway", [span(A, 1, None, kind="client", attributes=RPC)])
        waiting = Waiting(collector, monkeypatch)
        answer = pool.submit(waiting.get, f"/api/traces/{A}?wait=60s")
        assert waiting.began.wait(10)
        send(collector.addresses.http, "traces", "clip_encoder", [span(A, 2, 1, kind="server", attributes=RPC)])
        trace = answer.result(20)
    assert trace["complete"] is True
    assert [row["kind"] for row in trace["spans"]] == ["client", "server"]


def test_a_wait_for_the_last_trace_sees_one_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is there when the wait begins; one commit later it is."""
    with running_collector() as collector, ThreadPoolExecutor(1) as pool:
        waiting = Waiting(collector, monkeypatch)
        answer = pool.submit(waiting.get, "/api/traces/last?wait=60s")
        assert waiting.began.wait(10)
        send(collector.addresses.http, "traces", "gateway", [span(B, 1, None, kind="server", attributes=RPC)])
        trace = answer.result(20)
    assert (trace["trace_id"], trace["complete"]) == (B, True)


def test_what_arrives_is_reported_as_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waits gets the record that comes, and the trace that ends; and the cursor to the next."""
    with running_collector() as collector, ThreadPoolExecutor(2) as pool:
        http = collector.addresses.http
        for time, body in ((2**62, "from the future"), (START, "before")):
            send(http, "logs", "gateway", [{"timeUnixNano": str(time), "body": {"stringValue": body}}])
        get = Waiting(collector, monkeypatch).get
        logs, traces = get("/api/logs?after=now"), get("/api/traces?after=now")
        assert ([row["body"] for row in logs["logs"]], traces["traces"]) == (["before", "from the future"], [])
        assert [row["body"] for row in get("/api/logs?after=now&since=5m")["logs"]] == ["from the future"]
        answers = [
            pool.submit(get, f"/api/{name}?after={first['after']}&wait=60s")
            for name, first in (("logs", logs), ("traces", traces))
        ]
        send(http, "logs", "gateway", [{"timeUnixNano": "1", "body": {"stringValue": "after"}}])
        send(http, "traces", "gateway", [span(A, 2, 1, "encode"), span(A, 1, None, "/search", "server")])
        logs, traces = (answer.result(20) for answer in answers)
        assert [row["body"] for row in logs["logs"]] == ["after"]
        assert [(row["trace_id"], row["span_count"]) for row in traces["traces"]] == [(A, 2)]
        assert (
            get(f"/api/logs?after={logs['after']}")["logs"]
            == get(f"/api/traces?after={traces['after']}")["traces"]
            == []
        )


def test_at_the_time_limit_a_trace_is_returned_as_it_is() -> None:
    """The client's rpc never gets its server span."""
    with running_collector() as collector:
        send(collector.addresses.http, "traces", "gateway", [span(A, 1, None, kind="client", attributes=RPC)])
        trace = httpx.get(f"http://{collector.addresses.api}/api/traces/{A}?wait=20ms", trust_env=False).json()
    assert (trace["complete"], len(trace["spans"])) == (False, 1)


def test_a_stopping_collector_lets_no_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waits for a minute does not hold up the end."""
    with running_collector() as collector, ThreadPoolExecutor(1) as pool:
        waiting = Waiting(collector, monkeypatch)
        answer = pool.submit(httpx.get, f"http://{collector.addresses.api}/api/traces/last?wait=60s", timeout=30)
        assert waiting.began.wait(10)
        assert collector.stop()
        assert answer.exception(20) is not None or answer.result().status_code == 503


def test_a_stopping_collector_says_so(tmp_path: Path) -> None:
    """To who waits, and to who asks once the store is closed; a store that cannot be read now is another thing."""
    stopping = {
        "code": "stopping",
        "message": "The collector is stopping.",
        "hint": "Start it again: telemetry collect.",
    }
    with running_collector(tmp_path / "telemetry.duckdb") as collector:
        base = f"http://{collector.addresses.api}/api"
        collector.store._root.close()  # as DuckDB leaves it when the disk is full
        answer = httpx.get(f"{base}/traces", trust_env=False)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
        assert answer.json()["error"]["hint"] == "Try again in a moment: the collector reopens its store."
        collector.store.reopen()
        collector.store.changed.close()
        assert httpx.get(f"{base}/traces", trust_env=False).status_code == 200  # it still can
        answer = httpx.get(f"{base}/traces/last?wait=60s", timeout=30, trust_env=False)
        assert (answer.status_code, answer.json()["error"]) == (503, stopping)
        collector.store._root.close()
        answer = httpx.get(f"{base}/traces", trust_env=False)
        assert (answer.status_code, answer.json()["error"]) == (503, stopping)
