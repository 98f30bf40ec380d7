"""Every line of docs/installing.md, in empty environments: what it installs is there, and works (`make test-install`).

Needs package indexes, and what `make dist` builds.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).parents[2]
UV: Final = (sys.executable, "-m", "uv", "--quiet", "--system-certs")  # as pip does
PIPX: Final = (*UV, "tool", "run", "pipx@1.18.4")
PAGE: Final = (ROOT / "docs/installing.md").read_text("utf-8")
LINES: Final = re.findall(r"^\$ (.*install.*|pipx inject .*)$", PAGE, re.MULTILINE)
COMMANDS: Final = {"local": "collect", "doctor": "doctor", "stack": "stack"}
"""An extra, and a command that it brings."""


@dataclass(frozen=True)
class Machine:
    """A user's machine with nothing of ours on it: tools go where it is set, packages into a virtual environment."""

    home: Path

    def run(self, *command: str | Path) -> str:
        places = {"UV_TOOL_DIR": "uv", "UV_TOOL_BIN_DIR": "bin", "PIPX_HOME": "pipx", "PIPX_BIN_DIR": "bin"}
        environment = os.environ | {name: str(self.home / place) for name, place in places.items()}
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{shlex.join(map(str, command))}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def type(self, line: str) -> Path:
        """Type a line, and return where the commands are then."""
        tool, *words = shlex.split(line)
        if tool == "pip":
            self.run(*UV, "venv", str(self.home / "venv"))
            self.run(*UV, "pip", *words, "--python", str(self.home / "venv/bin/python"))
            return self.home / "venv/bin"
        self.run(*(PIPX if tool == "pipx" else UV), *words)
        return self.home / "bin"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("line", [line for line in LINES if "inject" not in line])
def test_a_line_installs_what_it_names(line: str, machine: Machine) -> None:
    """The extras that the line names bring their commands, and no others."""
    commands = machine.type(line)
    extras = set(re.findall(r"\[(.*?)\]", line)[0].split(",")) if "[" in line else set[str]()
    assert machine.run(commands / "telemetry", "--version").strip() == "0.1.0"
    assert (commands / "pamazon").exists() == ("demo" in extras)
    if extras:
        output = machine.run(commands / "telemetry", "--help")
        assert [word for extra, word in COMMANDS.items() if extra in extras and word not in output] == []
    if "demo" in extras:
        machine.run(commands / "pamazon", "--help")


def test_the_library_brings_nothing_but_itself(machine: Machine) -> None:
    """A service's environment gets no DuckDB, no web server, and no packages with common names; its types are there."""
    machine.type("pip install .")
    python = machine.home / "venv/bin/python"
    held = {path.name for path in (machine.home / "venv").glob("lib/*/site-packages/*")}
    assert {"telemetry", "search_telemetry_pytest.py"} <= held
    assert held & {"collector", "dashboards", "demo_flow", "duckdb", "uvicorn", "starlette", "pytest", "rich"} == set()
    machine.run(python, "-W", "error", "-c", "import telemetry, telemetry.rpc; telemetry.configure('x').shutdown(0)")


def test_pipx_adds_the_demos_command(machine: Machine) -> None:
    """As the last line, behind the one that installed the others."""
    (install,) = (line for line in LINES if line.startswith("pipx install"))
    (inject,) = (line for line in LINES if line.startswith("pipx inject"))
    machine.type(install)
    assert "pamazon" in machine.run(machine.type(inject) / "pamazon", "--help")


@pytest.mark.parametrize("neighbour", ["opentelemetry-instrumentation-flask", "bentoml>=1.4", "jina==3.34.0"])
def test_a_neighbour_is_not_refused(neighbour: str, tmp_path: Path) -> None:
    """What others release today resolves beside the library, in the versions that they would have without it."""
    asked = tmp_path / "requirements.txt"
    asked.write_text(f"{neighbour}\n")
    resolve = (*UV, "pip", "compile", "--no-header", "--no-annotate", "--python-version", "3.11")
    alone = Machine(tmp_path).run(*resolve, asked)
    beside = Machine(tmp_path).run(*resolve, "pyproject.toml", asked)
    theirs = re.split(r"[=<>\[]", neighbour)[0]
    assert next(line for line in beside.splitlines() if line.startswith(f"{theirs}=")) in alone.splitlines()
