"""Alerts reach people: the real Prometheus and Alertmanager, and a real HTTP receiver behind the webhook.

On the shipped rules and routes, with all of their durations divided.
"""

import http.server
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from collector.stack.programs.alertmanager import VARIABLE, Alertmanager
from collector.stack.programs.otelcol import Otelcol
from collector.stack.programs.program import Program
from collector.stack.programs.prometheus import Prometheus
from collector.stack.stack import Stack
from dashboards.alerts import rendering, routes
from dashboards.alerts.windows import Scale
from tests.stack.asking import eventually, get, post
from tests.stack.prometheus import query

SCALE = Scale(20)
PATIENCE = 60.0


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps the messages that are posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: Queue[Mapping[str, Any]] = Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/alerts?token=s3cret"

    def next(self, alert: str, status: str) -> Mapping[str, Any]:
        """Wait for the message about an alert; others are passed over."""
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self.messages.get(timeout=max(0.0, deadline - time.monotonic()))
            if message["status"] == status and message["groupLabels"]["alertname"] == alert:
                return message


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.put(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver that listens, and has ended afterwards."""
    with Receiver() as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture
def webhook(receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name the receiver's address as a user does, and return the file that has it."""
    path = tmp_path / "webhook"
    path.write_text(f"{receiver.url}\n", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def alertmanager(folder: Path) -> Alertmanager:
    """Return one whose waits are divided."""
    folder.mkdir()
    for name, sends in (("alertmanager.yml", False), ("alertmanager-webhook.yml", True)):
        (folder / name).write_text(routes.text(webhook=sends, scale=SCALE), encoding="utf-8")
    return Alertmanager(folder)


@contextmanager
def alerting(folder: Path) -> Iterator[Stack]:
    """Run Alertmanager alone."""
    with Stack([alertmanager(folder / "files")], data_dir=folder / "stack") as stack:
        yield stack


def raise_alerts(stack: Stack, *alerts: Mapping[str, str], seconds: float = 300) -> None:
    """Let alerts with these labels fire, as Prometheus does."""
    ends = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    body = [
        {"labels": dict(labels), "annotations": {"summary": labels["alertname"]}, "endsAt": ends} for labels in alerts
    ]
    post(stack.url("alertmanager.web", "/api/v2/alerts"), body)


def states(stack: Stack) -> dict[str, Any]:
    """Return the state of each alert, by name and severity, with whom it is sent to."""
    found = get(stack.url("alertmanager.web", "/api/v2/alerts"))
    return {
        f"{each['labels']['alertname']} {each['labels']['severity']}": (
            each["status"]["state"],
            [receiver["name"] for receiver in each["receivers"]],
        )
        for each in found
    }


def test_a_collector_that_dies_calls_somebody_once_and_tells_when_it_is_back(
    receiver: Receiver, webhook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the target that is down through rule and route to the receiver: a page with runbook and board, and its end.

    Its own metrics are away as well: that alert is inhibited.
    """
    monkeypatch.setenv("BOARDS_URL", "https://grafana.example")
    monkeypatch.setenv("RUNBOOKS_URL", "https://code.example")
    rendering.write(tmp_path / "rules", SCALE)
    programs: list[Program] = [
        alertmanager(tmp_path / "files"),
        Prometheus(tmp_path / "rules"),
        Otelcol("collector", ("base", "privacy", "prometheus")),
    ]
    with Stack(programs, data_dir=tmp_path / "stack") as stack:
        eventually(lambda: scraped(stack))
        stack.kill("collector")
        message = receiver.next("SearchCollectorDown", "firing")
        assert message["receiver"] == "page"
        (alert,) = message["alerts"]
        assert alert["labels"]["collector"] == "collector"
        at = stack.address("collector.scrape")
        assert alert["annotations"]["summary"] == f"The Collector collector at {at} does not answer Prometheus"
        assert alert["annotations"]["runbook_url"] == "https://code.example/docs/runbooks/SearchCollectorDown.md"
        assert alert["annotations"]["dashboard_url"].startswith("https://grafana.example/d/search-telemetry?")
        assert "boards_url" not in alert["labels"]
        kept = ("suppressed", ["ticket"])
        eventually(lambda: states(stack).get("SearchTargetDown ticket") == kept)
        stack.restart("collector")
        assert receiver.next("SearchCollectorDown", "resolved")["receiver"] == "page"


def scraped(stack: Stack) -> bool:
    """Tell whether Prometheus has an answer of each Collector's port."""
    return len(query(stack, 'up{collector="collector"} == 1')) == 2


def labels(name: str, severity: str, **more: str) -> Mapping[str, str]:
    return {"alertname": name, "severity": severity, "flow": "pamazon", "job": "pamazon/gateway", **more}


def test_of_one_cause_one_message_is_sent(receiver: Receiver, webhook: Path, tmp_path: Path) -> None:
    """What fails is not sent as slow as well, nor a budget twice; another operation's is."""
    search = {"search_operation": "search"}
    failing, slow = "SearchErrorBudgetBurns", "SearchLatencyBudgetBurns"
    with alerting(tmp_path) as stack:
        raise_alerts(
            stack,
            labels(failing, "page", slo="availability", **search),
            labels(failing, "ticket", slo="availability", **search),
            labels(slow, "page", slo="latency_client", **search),
        )
        assert receiver.next(failing, "firing")["receiver"] == "page"
        assert states(stack) == {
            f"{failing} page": ("active", ["page"]),
            f"{failing} ticket": ("suppressed", ["ticket"]),
            f"{slow} page": ("suppressed", ["page"]),
        }
        raise_alerts(stack, labels(slow, "page", slo="latency_client", search_operation="index"))
        message = receiver.next(slow, "firing")
        assert [alert["labels"]["search_operation"] for alert in message["alerts"]] == ["index"]


def test_a_new_address_is_used_without_a_restart(receiver: Receiver, webhook: Path, tmp_path: Path) -> None:
    """Alertmanager reads the file at each message: one that went nowhere is sent again, to the new address."""
    webhook.write_text("http://127.0.0.1:9/alerts\n", encoding="utf-8")
    with alerting(tmp_path) as stack:
        raise_alerts(stack, labels("SearchPoolSaturated", "ticket", search_stage="qdrant"))
        eventually(lambda: "127.0.0.1:9" in (log := stack.log("alertmanager").read_text("utf-8")) or "refused" in log)
        webhook.write_text(receiver.url, encoding="utf-8")
        assert receiver.next("SearchPoolSaturated", "firing")["receiver"] == "ticket"
        assert "s3cret" not in stack.log("alertmanager").read_text("utf-8")


def test_without_a_webhook_alerts_are_shown_and_sent_to_nobody(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page has them, with the receiver `nobody`."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with alerting(tmp_path) as stack:
        raise_alerts(stack, labels("SearchTelemetrySilent", "page"))
        eventually(lambda: states(stack) == {"SearchTelemetrySilent page": ("active", ["nobody"])})
        assert receiver.messages.empty()
