"""What is renamed in one place alone is noticed: `telemetry dashboards check` fails, and says where.

Each case is a copy of the packages with one name changed, checked by a process of its own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RENAMED = {
    "a metric": (
        "telemetry/conventions/request.py", '"search.request.duration"', '"search.request.latency"',
        "dashboards/grafana/boards/search-overview.json is not up to date",
    ),
    "an attribute": (
        "telemetry/conventions/request.py", '"client.region"', '"client.country"',
        "dashboards/perses/search-overview.json is not up to date",
    ),
    "a unit": (
        "telemetry/conventions/stages.py", '"search.stage.duration", Instrument.HISTOGRAM, "s"',
        '"search.stage.duration", Instrument.HISTOGRAM, "ms"',
        "dashboards/alerts/rules/search_stages.yml is not up to date",
    ),
    "a series that a rule records": (
        "dashboards/alerts/slo.py", "budget_left:", "budget_rest:",
        "dashboards/grafana/boards/search-overview.json is not up to date",
    ),
    "a series that a board asks for": (
        "dashboards/boards/objectives.py", "({BURN}{{", "({BURN}n{{",
        "How fast is the error budget spent?: no such series: search_slo:burn:ration",
    ),
    "a label that an alert names": (
        "dashboards/alerts/symptoms/telemetry.py", "{{ $labels.collector }}", "{{ $labels.collecter }}",
        "SearchCollectorLoses: names the label collecter",
    ),
    "a metric of another program": (
        "dashboards/boards/otelcol.py", "otelcol_process_memory_rss", "otelcol_process_memory",
        "no such series: otelcol_process_memory",
    ),
}  # fmt: skip


def _check(folder: Path) -> tuple[int, str]:
    """Check the packages of a folder; return the exit status and what was said."""
    program = "from dashboards.checks.check import check; raise SystemExit(check())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("what", RENAMED)
def test_a_renamed_name_is_noticed(what: str, tmp_path: Path) -> None:
    """The check fails, and names the place: the committed file, the panel or the alert."""
    file, old, new, said = RENAMED[what]
    for package in ("telemetry", "dashboards"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    source = tmp_path / file
    text = source.read_text("utf-8")
    assert old in text
    source.write_text(text.replace(old, new), encoding="utf-8")
    status, output = _check(tmp_path)
    assert said in output
    assert status == 1
