"""`telemetry doctor` as people and programs meet it: lines, JSON, exit status."""

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console

from collector.doctor.finding import Cause, Code, Finding, failed, ok, skipped
from collector.doctor.options import BACKENDS
from collector.doctor.render import render
from collector.doctor.report import Report
from collector.doctor.together import together
from collector.local.server import LocalCollector
from telemetry.cli import main
from tests.doctor_stand_in import NOTHING_LISTENS
from tests.otlp_stand_in import stand_in

NO_BACKENDS = tuple(f"--{name}=none" for name in BACKENDS)
BROKEN = Cause("nothing_listens", "nothing listens on localhost:4317", "start a collector")
FINDINGS = [
    ok("sampling", "services send every trace"),
    failed("send traces", BROKEN),
    failed("send metrics", BROKEN),
    skipped("jaeger", Cause("not_configured", "not configured")),
]


def command(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run it as a process of its own, with these variables and no others of OpenTelemetry's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SENTRY_"))}
    program = "import sys; from telemetry.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, "doctor", *arguments],
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_laptop_with_a_local_collector_is_well() -> None:
    """Through the command: a row for each check, exit status 0, and nothing on standard error."""
    with LocalCollector(None, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0") as running:
        endpoint = f"http://{running.addresses.grpc}"
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_LOGS_EXPORTER": "otlp"}
        output = command(*NO_BACKENDS[1:], f"--api={running.addresses.api}", **variables)
    assert (output.returncode, output.stderr) == (0, "")
    lines = [line.split("  ")[0] for line in output.stdout.splitlines() if line.startswith(("✓", "✗", "–"))]
    signs = {line[2:]: line[0] for line in lines}
    assert signs == dict.fromkeys(
        ("sampling", "send traces", "send metrics", "send logs", "local collector: trace", "local collector: metric",
         "local collector: log", "clocks"), "✓",
    )  # fmt: skip
    assert output.stdout.splitlines()[-1].startswith("Everything that was sent arrived (")


def test_json_has_a_stable_shape_and_the_exit_status_matches() -> None:
    """The keys that docs/doctor.md names, on every check."""
    output = command("--json", *NO_BACKENDS, OTEL_EXPORTER_OTLP_ENDPOINT=NOTHING_LISTENS)
    report = json.loads(output.stdout)
    assert (output.returncode, output.stderr) == (1, "")
    assert set(report) == {"ok", "mark", "trace_id", "seconds", "checks"}
    assert report["ok"] is False
    assert {tuple(check) for check in report["checks"]} == {("check", "status", "code", "detail", "hint")}
    by_check = {check["check"]: (check["status"], check["code"]) for check in report["checks"]}
    assert by_check == {
        "sampling": ("ok", ""),
        "log export": ("skipped", "not_exported"),
        "send traces": ("failed", "nothing_listens"),
        "send metrics": ("failed", "nothing_listens"),
        "send logs": ("skipped", "nothing_listens"),
        "clocks": ("skipped", "not_known"),
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--jaeger", "ftp://host"), "--jaeger: 'ftp://host' is not an address."),
        (("--jaeger", "http://["), "--jaeger: 'http://[' is not an address."),
        (("--timeout", "soon"), "'soon' is not a number of seconds"),
        (("--header", "jaeger"), "--header is not BACKEND:NAME=VALUE."),
        (("--ca", "no-such-file.pem"), "--ca no-such-file.pem cannot be used"),
    ],
)
def test_a_mistake_in_the_command_is_reported_in_a_line_and_ends_with_2(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is sent, and no stack trace is printed."""
    try:
        status = main(["doctor", *arguments])
    except SystemExit as left:  # argparse's own way
        status = int(str(left.code))
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert message in printed.err
    assert "Traceback" not in printed.err


def test_a_proxy_of_the_environment_is_not_in_the_way_of_this_machine() -> None:
    """Neither exporters nor questions to 127.0.0.1 go through it, as with the library."""
    with stand_in() as collector:
        output = command("--json", *NO_BACKENDS, OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc, http_proxy=NOTHING_LISTENS)
    by_check = {check["check"]: check["status"] for check in json.loads(output.stdout)["checks"]}
    assert (by_check["send traces"], by_check["send metrics"]) == ("ok", "ok"), output.stdout


def test_every_code_is_documented_and_no_other() -> None:
    """The table of docs/doctor.md, against the codes in the source."""
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    table = page.partition("## What it finds")[2].partition("\n## ")[0]
    documented = [code for row in table.splitlines()[4:] for code in re.findall(r"`(\w+)`", row.split("|")[1:2][0])]
    assert sorted(documented) == sorted(get_args(Code))


# ── Rendering ────────────────────────────────────────────────────────────────────────────────────────────────────────


def rendered(
    *findings: Finding,
    terminal: bool = False,
    encoding: str = "utf-8",
    environ: Mapping[str, str] = {"TERM": "xterm-256color"},
) -> str:
    """What stands on a console of 60 cells."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=60, force_terminal=terminal, highlight=False, _environ=dict(environ))
    render(Report("mark", "0af7", 0.25, findings), console)
    file.flush()
    return raw.getvalue().decode(encoding)


def test_without_a_terminal_a_check_is_one_line_and_a_hint_is_printed_once() -> None:
    """For logs and `grep`: no colour, no wrapping, whatever the width."""
    long = ok("loki: log", "is found " + "by its trace " * 9)
    assert rendered(*FINDINGS, long).splitlines() == [
        "✓ sampling      services send every trace",
        "✗ send traces   nothing listens on localhost:4317",
        "                → start a collector",
        "✗ send metrics  nothing listens on localhost:4317",
        "– jaeger        not configured",
        f"✓ loki: log     {long.detail}",
        "",
        "2 checks failed (0.2 s).",
    ]


def test_on_a_terminal_it_is_a_table_that_fits() -> None:
    """Long words go on below, in their column, in colours; with `NO_COLOR` without."""
    long = failed(
        "send traces", Cause("nothing_listens", "nothing listens on a host with a very long name indeed", "start it")
    )
    coloured = rendered(long, terminal=True)
    plain = rendered(long, terminal=True, environ={"TERM": "xterm-256color", "NO_COLOR": "1"})
    assert "\x1b[1;31m✗" in coloured
    assert re.findall(r"\x1b\[(?:\d;)?3\dm", plain) == []
    stripped = [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in plain.splitlines()]
    assert stripped == [
        "✗  send traces  nothing listens on a host with a very long",
        "                name indeed",
        "                → start it",
        "",
        "1 check failed (0.2 s).",
    ]


def test_what_comes_from_outside_cannot_steer_the_terminal() -> None:
    """Escapes are shown, not obeyed; where the encoding has no signs, plain letters stand for them."""
    hostile = failed("send traces", Cause("refused", "said \x1b[2J\rgone", "see its log"))
    assert "\x1b[2J" not in rendered(hostile)
    assert "said \\x1b[2J\\rgone" in rendered(hostile)
    assert rendered(*FINDINGS, encoding="ascii").splitlines()[:3] == [
        "+ sampling      services send every trace",
        "x send traces   nothing listens on localhost:4317",
        "                -> start a collector",
    ]


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_that_never_ends_delays_no_other() -> None:
    """The others' results are in order; a late step has the result for its name; a step's exception is raised."""
    never = threading.Event()
    began = time.monotonic()
    steps = {"first": lambda: "done", "hangs": lambda: str(never.wait(30)), "last": lambda: "done too"}
    results = together(steps, began + 0.2, lambda name: f"{name}: late")
    never.set()
    assert list(results.items()) == [("first", "done"), ("hangs", "hangs: late"), ("last", "done too")]

    def breaks() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        together({"breaks": breaks}, time.monotonic() + 5, str)
