"""Programs of the tests as processes of their own, ended at the end of a block.

In: a command and what it writes once it is ready. Out: what it wrote then. State: the process, owned by `running`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 60.0  # seconds after which an awaited event counts as missing


def environment(endpoint: str = "", **further: str) -> dict[str, str]:
    """What a program sees: nothing that is set for telemetry here, but the collector's address."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SEARCH_TELEMETRY_"))}
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} if endpoint else {}
    return {**clean, **variables, "PYTHONPATH": str(PROGRAMS), "PYTHONUNBUFFERED": "1", **further}


@contextmanager
def running(*arguments: str, ready: str, folder: Path, variables: dict[str, str]) -> Iterator[str]:
    """Run `python …` until the block ends; what it has written up to the line that holds `ready` is given."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    log: list[str] = []
    started: list[str] = []
    looked = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            log.append(line)
            if not started and ready in line:
                started.append("".join(log))
                looked.set()
        looked.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert looked.wait(PATIENCE), "".join(log)
        assert started, "".join(log)
        yield started[0]
    finally:
        process.terminate()
        process.wait(PATIENCE)
        reader.join(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()
    assert process.returncode in {0, -15}, "".join(log)  # uvicorn dies of the signal, once it has ended


def address(output: str) -> str:
    """The last address in what a program has written."""
    return str(re.findall(r"127\.0\.0\.1:\d+", output)[-1])


def run(*arguments: str, folder: Path, variables: dict[str, str]) -> list[str]:
    """Run `python …` to its end; the lines that it wrote to standard output."""
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=variables,
        text=True,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()
