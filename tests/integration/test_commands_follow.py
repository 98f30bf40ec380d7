"""How the commands ask a collector: once each, and then for what arrives."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.local.cli import client
from collector.local.intake.writer import Writer
from collector.local.server import LocalCollector
from collector.local.store.store import Store
from telemetry import cli
from tests.integration.otlp_by_hand import START, running_collector, send, span
from tests.integration.test_commands_output import start


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCollector]:
    """A collector at the default address, with one trace, one metric and one record."""
    with running_collector() as running:
        http = running.addresses.http
        send(http, "traces", "gateway", [span("ab" * 16, 1, None, "/search")])
        point = {"timeUnixNano": str(START), "asInt": "42"}
        send(http, "metrics", "gateway", [{"name": "queue", "gauge": {"dataPoints": [point]}}])
        send(http, "logs", "gateway", [{"timeUnixNano": str(START), "body": {"stringValue": "begun"}}])
        monkeypatch.setattr(client, "DEFAULT_API", str(running.addresses.api))
        yield running


def test_each_command_is_one_request(
    collector: LocalCollector, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether a collector runs, and how it is, comes with the answer."""
    asked: list[str] = []
    sent = httpx.Client.send

    def send_and_count(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        asked.append(request.url.path)
        return sent(self, request, **options)

    monkeypatch.setattr(httpx.Client, "send", send_and_count)
    for words in (["services"], ["traces"], ["trace", "last"], ["logs"], ["metrics"], ["metrics", "queue"]):
        assert cli.main(words) == 0
    assert asked == [
        "/api/operations", "/api/traces", "/api/traces/last", "/api/logs", "/api/metrics", "/api/metrics/queue"
    ]  # fmt: skip
    assert capsys.readouterr().err == ""


def test_a_store_that_cannot_write_is_reported_with_the_answer(
    collector: LocalCollector, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the one answer that there is; a line break in the reason does not break it."""
    monkeypatch.setattr(Writer, "problem", "no room left on Müller's disk\n", raising=False)
    monkeypatch.setattr(LocalCollector, "problem", property(lambda _: "no room left on Müller's disk\n"))
    assert cli.main(["traces"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "The collector cannot store telemetry now: no room left on Müller's disk⏎\n"
    assert "abababab" in shown.out


def test_what_is_not_a_collector_is_not_read(
    collector: LocalCollector, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A web server at the default address, here OTLP's own port: the default store is read instead."""
    monkeypatch.setattr(client, "DEFAULT_API", str(collector.addresses.http))
    monkeypatch.setattr(client, "default_store", lambda: tmp_path / "telemetry.duckdb")
    Store.open(tmp_path / "telemetry.duckdb").close()
    assert cli.main(["traces"]) == 0
    assert capsys.readouterr().out == "No traces yet.\n"
    assert cli.main(["traces", "--follow"]) == 2
    assert capsys.readouterr().err == "--follow requires a running collector.\nLeave out --follow.\n"


def test_requests_and_records_are_printed_as_they_come(collector: LocalCollector, tmp_path: Path) -> None:
    """First the latest that are there; a request once it has ended, whole; JSON by lines; until Ctrl-C."""
    there = ("--api", str(collector.addresses.api))
    commands = (("traces", "--follow"), ("logs", "--follow", "--json", "--service", "gateway"))
    requests, records = (start(tmp_path, *words, *there) for words in commands)
    assert requests.stdout
    assert records.stdout
    titles, _, first = (requests.stdout.readline() for _ in range(3))
    assert titles.split() == ["ended", "trace", "operation", "service", "time", "spans", "errors"]
    assert re.fullmatch(r"22:13:20  abababab  /search +gateway +10.0 ms +1 *\n", first)
    assert json.loads(records.stdout.readline())["body"] == "begun"
    http = collector.addresses.http
    send(http, "traces", "clip_encoder", [span("cd" * 16, 2, 1, "encode", error="no model")])
    send(http, "traces", "gateway", [span("cd" * 16, 1, None, "/search", "server")])
    send(http, "logs", "indexer", [{"timeUnixNano": str(START), "body": {"stringValue": "not asked for"}}])
    send(http, "logs", "gateway", [{"timeUnixNano": str(START), "body": {"stringValue": "ended"}}])
    assert re.fullmatch(r"22:13:20  cdcdcdcd  /search +gateway +10.0 ms +2 +✗ 1\n", requests.stdout.readline())
    assert json.loads(records.stdout.readline())["body"] == "ended"
    for process in (requests, records):
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
