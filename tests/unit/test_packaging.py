"""What is shipped: two wheels from one checkout, each with its own rooms, at one version."""

import ast
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STACK = ROOT / "packaging" / "stack"
ALLOWED = {  # Which rooms each room may import: data flows one way, so imports do too.
    "telemetry": set[str](),
    "collector": {"telemetry"},
    "demo_flow": {"telemetry"},
}


def project(folder: Path) -> dict[str, Any]:
    document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(document["project"])


def wheel_of(folder: Path, out: Path) -> set[str]:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def rooms(names: set[str]) -> set[str]:
    return {name.split("/")[0] for name in names if ".dist-info/" not in name}


def test_both_distributions_carry_one_version() -> None:
    """A stack of another version than its library cannot be installed by mistake."""
    library, stack = project(ROOT), project(STACK)
    assert stack["version"] == library["version"]
    assert f"search-telemetry=={library['version']}" in stack["dependencies"]
    assert library["optional-dependencies"].pop("sentry") == ["sentry-sdk>=2.75,<3"]  # the library's own
    for extra, requirements in library["optional-dependencies"].items():
        assert requirements == [f"search-telemetry-stack[{extra}]=={library['version']}"]
        assert extra in stack["optional-dependencies"]


def test_a_services_site_packages_gets_the_library_alone(tmp_path: Path) -> None:
    """The library's wheel holds `telemetry/`, typed, and no other room."""
    names = wheel_of(ROOT, tmp_path)
    assert rooms(names) == {"telemetry"}
    assert "telemetry/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_stacks_wheel_holds_the_other_rooms_and_their_data(tmp_path: Path) -> None:
    """Catalogue, model and licences travel with the code that reads them."""
    names = wheel_of(STACK, tmp_path)
    assert rooms(names) == {"collector", "demo_flow"}
    tracked = subprocess.check_output(["git", "ls-files", "collector", "demo_flow"], cwd=ROOT, text=True)
    assert {*tracked.split(), "collector/py.typed", "demo_flow/py.typed"} <= names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_imports_point_one_way(room: str) -> None:
    """Data flows from left to right, and no room knows what is to its right."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for name in imports(path)
        if name in ALLOWED and name != room and name not in ALLOWED[room]
    ]
    assert wrong == []


def imports(path: Path) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found
