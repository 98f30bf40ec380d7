"""Launches the measures of all libraries in turns.

In: rows, environments, how many rounds and calls. Out: what each measure of each library gave, by launch. State: one
process at a time.
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks.engine.environments import ROOT, Environment
from benchmarks.engine.rows import COLUMNS, ONCE, SHARE, Row
from benchmarks.engine.sink import Sink

LATENCY: Final = 0.2  # seconds that an export takes where spans could be lost
FOREIGN: Final = ("OTEL_", "DD_", "SENTRY_", "LOGFIRE_", "SEARCH_TELEMETRY_", "PYTHON")
"""Beginnings of variables that would change what is measured."""
LIMIT: Final = 300.0  # seconds that a launch may take


@dataclass
class Figures:
    """What the launches gave, by measure and library."""

    launches: dict[tuple[str, str], list[dict[str, float]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def all(self, row: Row, library: str) -> list[float]:
        """Return a row's figure of each launch of a library."""
        return [launch[row.figure] for launch in self.launches.get((row.measure(library) or "", library), [])]

    def median(self, row: Row, library: str) -> float | None:
        """Return the median of the launches, None where there is none."""
        found = self.all(row, library)
        return median(found) if found else None


def launches(rows: Sequence[Row], libraries: Mapping[str, Environment], rounds: int) -> list[tuple[str, str]]:
    """Return what is launched, in its order: measure and library, each once in a round."""
    pairs = dict.fromkeys(
        (measure, library)
        for row in rows
        for library in COLUMNS
        if library in libraries and (measure := row.measure(library))
    )
    once = [pair for pair in pairs if pair[0].partition(".")[0] in ONCE]
    return [pair for pair in pairs if pair not in once] * rounds + once


def run(
    pairs: Sequence[tuple[str, str]],
    libraries: Mapping[str, Environment],
    calls: int,
    sink: Sink,
    advance: Callable[[str], None],
) -> Figures:
    """Launch everything; a launch that fails is named, and the others go on."""
    figures = Figures()
    for measure, library in pairs:
        advance(f"{measure}, {library}")
        sink.counting = measure.startswith("lost.")
        sink.latency = LATENCY
        try:
            found = launch(measure, library, libraries[library], calls, sink)
        except (subprocess.SubprocessError, ValueError) as error:
            figures.failures.append(f"{measure}, {library}: {_reason(error)}")
        else:
            figures.launches.setdefault((measure, library), []).append(found)
    return figures


def launch(measure: str, library: str, environment: Environment, calls: int, sink: Sink) -> dict[str, float]:
    """Launch one measure of one library; return its figures. Raises what `subprocess.run` does, or a `ValueError`."""
    share = SHARE.get(measure, SHARE.get(measure.partition(".")[0], 1))
    many = max(2, int(calls * share))
    given = (measure, library, str(many), sink.grpc, sink.http)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    variables |= {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(map(str, (environment.folder, ROOT)))}
    ended = subprocess.run(
        [environment.python, "-m", "benchmarks.engine.launch", *given],
        cwd=ROOT, env=variables, check=True, capture_output=True, text=True, timeout=LIMIT,
    )  # fmt: skip
    found: dict[str, float] = json.loads(ended.stdout.strip().rpartition("\n")[2])
    return found


def _reason(error: Exception) -> str:
    printed = getattr(error, "stderr", None) or ""
    return str(printed).strip().rpartition("\n")[2] or str(error)
