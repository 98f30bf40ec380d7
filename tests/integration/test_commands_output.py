"""The commands as processes whose output cannot be written, or that Ctrl-C ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.local.server import LocalCollector
from tests.integration.otlp_by_hand import running_collector, send, span
from tests.integration.test_api_commands import TELEMETRY, environment

FULL = "The output cannot be written: No space left on device.\n"


@pytest.fixture(scope="module")
def collector() -> Iterator[LocalCollector]:
    """A collector that holds one trace, of a name that ASCII has no signs for."""
    with running_collector() as running:
        send(running.addresses.http, "traces", "gateway", [span("ab" * 16, 1, None, "/search 🧥")])
        yield running


def start(home: Path, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment(home)} | options
    return subprocess.Popen([TELEMETRY, *arguments], text=True, **given)


def test_output_on_a_full_disk_is_one_line(collector: LocalCollector, tmp_path: Path) -> None:
    """A table, JSON, a picture, help; and status 1."""
    there = ("--api", str(collector.addresses.api))
    asked = [("traces", *there), ("trace", "last", "--json", *there), ("traces", "--follow", *there), ("--help",)]
    with Path("/dev/full").open("w") as full:
        running = [start(tmp_path, *words, stdout=full) for words in asked]
        ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert ended == [(FULL, 1)] * len(asked)


def test_a_closed_output_is_one_line_and_a_full_one_for_errors_leaves_the_status(
    collector: LocalCollector, tmp_path: Path
) -> None:
    """As a shell closes it with `>&-`."""
    command = ("traces", "--api", str(collector.addresses.api))
    closed = start(tmp_path, *command, stdout=None, preexec_fn=lambda: os.close(1))
    with Path("/dev/full").open("w") as full:
        buffered = {name: value for name, value in environment(tmp_path).items() if name != "PYTHONUNBUFFERED"}
        silent = start(tmp_path, "traces", "--limit", "x", stderr=full, env=buffered)
        assert silent.communicate(timeout=60)[0] == ""
    assert silent.returncode == 2
    assert closed.communicate(timeout=60)[1] == "The output cannot be written: Bad file descriptor.\n"
    assert closed.returncode == 1


def test_a_terminal_of_any_encoding_gets_text_that_it_can_show(collector: LocalCollector, tmp_path: Path) -> None:
    """JSON stays JSON."""
    ascii_only = environment(tmp_path) | {"PYTHONIOENCODING": "ascii"}
    api = str(collector.addresses.api)
    shown, raw = (
        start(tmp_path, *words, "--api", api, env=ascii_only) for words in (("traces",), ("trace", "last", "--json"))
    )
    assert "/search \\U0001f9e5" in shown.communicate(timeout=60)[0]
    assert json.loads(raw.communicate(timeout=60)[0])["spans"][0]["name"] == "/search 🧥"
    assert (shown.returncode, raw.returncode) == (0, 0)


def test_a_collector_whose_output_is_lost_goes_on(tmp_path: Path) -> None:
    """It reports that once; what it accepts is stored, and it ends cleanly."""
    ports = [part for name in ("--grpc", "--http", "--api") for part in (name, "127.0.0.1:0")]
    with Path("/dev/full").open("w") as full:
        process = start(tmp_path, "collect", "--store", str(tmp_path / "s.duckdb"), *ports, stdout=full)
    assert process.stderr is not None
    assert process.stderr.readline() == FULL  # its banner comes when it is ready
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


def test_ctrl_c_is_quiet_at_any_moment(collector: LocalCollector, tmp_path: Path) -> None:
    """While packages are imported, while it is asked, while it waits."""
    api = str(collector.addresses.api)
    command = ("traces", "--follow", "--api", api)
    waiting = start(tmp_path, *command)
    began = time.monotonic()
    assert waiting.stdout is not None
    waiting.stdout.readline()  # its titles
    took = time.monotonic() - began
    ended = [(waiting, 0.0)] + [(start(tmp_path, *command), took * part) for part in (0.15, 0.4, 0.8)]
    began = time.monotonic()
    for process, after in ended:
        time.sleep(max(0.0, began + after - time.monotonic()))  # a moment of its start, whichever
        process.send_signal(signal.SIGINT)
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process, _ in ended]
    assert ends == [("", -signal.SIGINT)] * len(ends)


def test_a_command_that_has_something_to_put_away_is_interrupted(tmp_path: Path) -> None:
    """It gets a `KeyboardInterrupt`, and ends as shells expect."""
    program = """if True:
        import argparse, sys
        from telemetry import cli
        def run(args):
            try:
                print("ready", flush=True)
                import threading; threading.Event().wait()
            finally:
                print("put away", flush=True)
        def add(subparsers): subparsers.add_parser("work").set_defaults(run=run)
        cli._add_commands = add
        sys.exit(cli.main())"""
    process = subprocess.Popen(
        [sys.executable, "-c", program, "work"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("put away\n", "")
    assert process.returncode == 130
