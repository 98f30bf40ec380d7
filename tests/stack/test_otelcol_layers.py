"""Every combination of layers that the documentation names, in the real Collector's hands."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from collector.stack import cache
from collector.stack.programs.otelcol import LAYERS
from tests.unit.test_otelcol_layers import ACCESS, COMBINATIONS, merged

SENTRY = {"SENTRY_OTLP_ENDPOINT": "https://sentry.example/api/1/integration/otlp", "SENTRY_PUBLIC_KEY": "key"}


def search_otelcol(*command: str, layers: tuple[str, ...], storage: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command of the Collector's that starts nothing."""
    configured = [f"--config=file:{LAYERS / layer}.yaml" for layer in layers]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTELCOL_", "SENTRY_"))}
    environment = {**clean, **SENTRY, "OTELCOL_STORAGE": str(storage)}
    binary = str(cache.binary("search-otelcol"))
    return subprocess.run([binary, *command, *configured], capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("access", [access for access in ACCESS if len(access) > 1 or access == ("tls",)], ids="+".join)
def test_each_combination_is_valid_behind_each_door(access: tuple[str, ...], tmp_path: Path) -> None:
    """The Collector confirms it, and logs nothing else: no warning, no name that is going away."""
    output = {names: search_otelcol("validate", layers=names + access, storage=tmp_path) for names in COMBINATIONS}
    assert {names: run.stdout + run.stderr for names, run in output.items() if run.returncode or run.stderr} == {}


@pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)
def test_the_collector_merges_layers_as_the_other_tests_do(names: tuple[str, ...], tmp_path: Path) -> None:
    """So what they prove of the merged configuration holds for the real one, which is valid too."""
    output = search_otelcol("print-config", "--validate=true", "--format=json", layers=names, storage=tmp_path)
    assert (output.returncode, output.stderr) == (0, "")
    real, ours = json.loads(output.stdout), merged(names)
    kinds = ("receivers", "processors", "exporters", "connectors", "extensions")
    assert {kind: set(real.get(kind, ())) for kind in kinds} == {kind: set(ours.get(kind, ())) for kind in kinds}
    assert shape(real["service"]["pipelines"]) == shape(ours["service"]["pipelines"])
    rules = real["processors"]["redaction/secrets"]["blocked_values"]
    assert rules == ours["processors"]["redaction/secrets"]["blocked_values"]


def shape(pipelines: Any) -> Any:
    """What stands in each pipeline; nothing and an empty list are the same."""
    kinds = ("receivers", "processors", "exporters")
    return {name: [list(pipeline.get(kind) or ()) for kind in kinds] for name, pipeline in pipelines.items()}


@pytest.mark.parametrize("missing", [("privacy",), ("base",)])
def test_without_its_first_layers_nothing_runs_open(missing: tuple[str, ...], tmp_path: Path) -> None:
    """Who forgets base.yaml has no Collector; who forgets privacy.yaml has one that lets no attribute through."""
    layers = tuple(name for name in ("base", "privacy", "jaeger") if name not in missing)
    output = search_otelcol("validate", layers=layers, storage=tmp_path)
    assert (output.returncode == 0) == (missing == ("privacy",))
    if output.returncode == 0:
        assert all(not merged(layers)["processors"][f"redaction/{name}"] for name in ("names", "secrets", "bodies"))
