"""The benchmark of what calls cost: that its launches measure, and that its table says what they found."""

import io
import json
from urllib.request import Request, urlopen

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.console import Console

from benchmarks.engine import __main__ as command
from benchmarks.engine import runner, sink, table
from benchmarks.engine.environments import REQUIREMENTS, Environment
from benchmarks.engine.rows import ALL, BEFORE, COLUMNS, OURS, ROWS, SDK
from benchmarks.engine.runner import Figures

ROW = {row.name: row for row in ROWS}


def test_the_command_measures_this_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    """A caller, a call behind it and one that is switched off: each launched once, each with a cost."""
    status = command.main(
        ["--no-peers", "--rounds", "1", "--calls", "200", "--only", "span", "off-with", "behind-event", "--json"]
    )
    found = json.loads(capsys.readouterr().out)
    assert (status, found["failures"], list(found["versions"])) == (0, [], [OURS])
    costs = {name: row["figures"][OURS]["launches"] for name, row in found["rows"].items()}
    assert {name: len(launches) for name, launches in costs.items()} == {"span": 1, "off-with": 1, "behind-event": 1}
    assert 0 < costs["off-with"][0] < costs["span"][0] < 1000
    assert 0 < costs["behind-event"][0] < 10_000


def test_libraries_take_turns() -> None:
    """A measure that two rows share is launched once in a round, and a slow one once in all."""
    libraries = {OURS: Environment("python", "1"), SDK: Environment("python", "2")}
    rows = [ROW["lost"], ROW["span"], ROW["stage"]]
    a_round = [("caller.span", OURS), ("caller.span", SDK), ("caller.stage", OURS)]
    assert runner.launches(rows, libraries, 2) == [*a_round, *a_round, ("lost.grpc", OURS), ("lost.grpc", SDK)]


def test_a_launch_that_fails_is_named_and_the_others_go_on() -> None:
    """Its cell is empty, and the reason is reported."""
    with sink.opened() as opened:
        libraries = {OURS: Environment("/bin/false", "1"), SDK: Environment("/bin/echo", "2")}
        figures = runner.run([("caller.span", OURS), ("caller.span", SDK)], libraries, 10, opened, lambda _: None)
    assert [line.partition(":")[0] for line in figures.failures] == ["caller.span, ours", "caller.span, sdk"]
    assert figures.median(ROW["span"], OURS) is None


def test_the_table_shows_medians_versions_and_the_ratio() -> None:
    """A library without a figure has a dash."""
    figures = Figures(
        {("caller.span", OURS): [{"cpu": 3.0}, {"cpu": 9.0}, {"cpu": 4.0}], ("caller.span", SDK): [{"cpu": 16.0}]}
    )
    libraries = {
        OURS: Environment("python", "0.1.0"),
        SDK: Environment("python", "1.45.2"),
        "logfire": Environment("p", "5"),
    }
    shown = io.StringIO()
    table.show([ROW["span"]], figures, libraries, Console(file=shown, width=20))
    lines = [line.split() for line in shown.getvalue().splitlines()]
    assert ["ours", "OTel", "SDK", "logfire", "ours", "÷"] in lines
    assert ["OpenTelemetry's", "span", "µs", "4.00", "16.0", "–", "0.25"] in lines


def test_the_sink_counts_spans() -> None:
    """Those of OTLP, when asked; whatever else comes is taken."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="one")
    with sink.opened() as opened:
        opened.counting = True
        for path, body in (("/v1/traces", request.SerializeToString()), ("/api/1/envelope/", b"{}")):
            with urlopen(Request(f"{opened.http}{path}", body)) as answer:
                assert answer.status == 200
        with urlopen(f"{opened.http}/spans") as answer:
            assert answer.read() == b"1"


def test_every_row_is_of_libraries_that_can_be_had() -> None:
    """Names are there once, and each column is installed from somewhere."""
    assert len(ROW) == len(ROWS)
    assert {*REQUIREMENTS, OURS} == set(ALL) == {*COLUMNS} - {BEFORE}
    assert all(set(row.measures) <= set(ALL) for row in ROWS)


def test_a_row_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With the names that are."""
    with pytest.raises(SystemExit):
        command.main(["--only", "spans"])
    assert "behind" in capsys.readouterr().err
