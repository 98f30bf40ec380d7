"""`telemetry trace ID --otlp FILE`: the whole trace as one document, however many pages it takes."""

import json
from pathlib import Path

import pytest

from collector.local.decode.signals import BY_PATH
from collector.local.store.store import Store
from telemetry import cli
from tests import otlp_samples as otlp


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with a trace of five spans."""
    path = tmp_path / "store.duckdb"
    store = Store.open(path)
    sent = otlp.traces(*(otlp.small_span(number, traceId=otlp.TRACE_ID) for number in range(1, 6)))
    store.write([otlp.decode(BY_PATH["/v1/traces"], sent)], ["1"], 1)
    store.close()
    return path


def test_all_pages_are_one_document(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("collector.local.api.waterfall.MAX_SPANS", 2)
    file = path.with_name("trace.json")
    assert cli.main(["trace", otlp.TRACE_ID[:6], "--otlp", str(file), "--store", str(path)]) == 0
    assert "5 spans in" in capsys.readouterr().out
    decoded = otlp.decode(BY_PATH["/v1/traces"], json.loads(file.read_text("utf-8")))
    assert (decoded.records, decoded.rejected) == (5, 0)


def test_a_dash_is_standard_output(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["trace", "last", "--otlp", "-", "--store", str(path)]) == 0
    assert otlp.decode(BY_PATH["/v1/traces"], json.loads(capsys.readouterr().out)).records == 5
    assert not (tmp_path / "-").exists()


def test_a_file_that_cannot_be_written_is_said(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["trace", "last", "--otlp", str(path.parent), "--store", str(path)]) == 2
    assert "cannot be written to" in capsys.readouterr().err
