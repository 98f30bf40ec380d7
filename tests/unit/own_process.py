"""Runs a test's code in a process of its own: OpenTelemetry's providers can be set only once in a process."""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from typing import Any

_BEGIN = """
import json, logging, os, sys
import telemetry
from telemetry.recording.guard import guard
guard.strict = True
def show(value):
    print("SHOWN " + json.dumps(value, default=lambda v: dict(v)), flush=True)
"""


@dataclass(frozen=True)
class Ended:
    """A process that ended: its exit status, what it gave to `show`, its standard error."""

    status: int
    shown: list[Any]
    err: str


def python(code: str, *args: str, timeout: float = 60, before: str = "", **environment: Any) -> Ended:
    """Run `code` with `telemetry` imported, the guard strict, and only these `OTEL_*` variables.

    `before` runs before the import. gRPC's own log, which may mention a connection that ends, is off.
    """
    import json

    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SEARCH_TELEMETRY_"))}
    command = [sys.executable, "-W", "error", "-c", before + _BEGIN + textwrap.dedent(code), *args]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**clean, "GRPC_VERBOSITY": "NONE", **environment},
        check=False,
    )
    shown = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("SHOWN ")]
    return Ended(done.returncode, shown, done.stderr)
