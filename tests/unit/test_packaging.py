"""What is shipped: three distributions from one checkout, each with its own rooms, at one version."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY, STACK, DEMO = FOLDERS = ROOT, ROOT / "packaging" / "stack", ROOT / "packaging" / "demo"
ALLOWED = {  # Which rooms, or modules of theirs, each room may import: data flows one way, so imports do too.
    "telemetry": set[str](),
    "collector": {"telemetry"},
    "demo_flow": {"telemetry", "collector.processes"},
}


@dataclass(frozen=True)
class Built:
    """What `python -m build` made of a folder: a wheel, from the sdist, which it unpacks elsewhere."""

    sdist: list[tarfile.TarInfo]
    wheel: set[str]

    @property
    def rooms(self) -> set[str]:
        return {name.split("/")[0] for name in self.wheel if ".dist-info/" not in name}


def project(folder: Path) -> dict[str, Any]:
    document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return dict(document["project"])


def build(folder: Path, out: Path) -> Built:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(folder)]
    subprocess.run(command, cwd=out, check=True, capture_output=True)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    with tarfile.open(sdist) as archive, zipfile.ZipFile(wheel) as files:
        return Built(archive.getmembers(), set(files.namelist()))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Built]:
    return {folder: build(folder, tmp_path_factory.mktemp("dist")) for folder in FOLDERS}


def test_the_distributions_carry_one_version() -> None:
    """Parts of two versions cannot be installed beside each other by mistake."""
    library, stack, demo = map(project, FOLDERS)
    version = library["version"]
    assert (stack["version"], demo["version"]) == (version, version)
    assert f"search-telemetry=={version}" in stack["dependencies"]
    assert {f"search-telemetry=={version}", f"search-telemetry-stack[local]=={version}"} <= set(demo["dependencies"])


def test_each_part_is_asked_for_by_an_extra_of_the_library() -> None:
    """Users need to know one name."""
    library, stack, demo = map(project, FOLDERS)
    offered = {f"{other['name']}[{extra}]" for other in (stack, demo) for extra in other["optional-dependencies"]}
    offered.add(demo["name"])
    extras = library["optional-dependencies"]
    assert extras.pop("sentry") == ["sentry-sdk>=2.75,<3"]  # the library's own
    assert {r for all_of_it in extras.values() for r in all_of_it} <= {f"{it}=={library['version']}" for it in offered}
    assert extras.keys() >= {"local", "doctor", "stack", "demo", "qdrant", "clip"}


def test_a_laptops_collector_brings_no_demo() -> None:
    """Twenty megabytes of pictures are for those who ask for them."""
    stack = project(STACK)
    needed = [*stack["dependencies"], *(r for extra in stack["optional-dependencies"].values() for r in extra)]
    assert [requirement for requirement in needed if "demo" in requirement] == []


def test_a_services_site_packages_gets_the_library_alone(built: dict[Path, Built]) -> None:
    """The library's wheel holds `telemetry/`, typed, its pytest plugin, and no other room."""
    assert built[LIBRARY].rooms == {"telemetry", "search_telemetry_pytest.py", "search_telemetry_command.py"}
    assert "telemetry/py.typed" in built[LIBRARY].wheel


@pytest.mark.parametrize(
    ("folder", "rooms"), [(STACK, {"collector", "dashboards"}), (DEMO, {"demo_flow"})], ids=["stack", "demo"]
)
def test_the_other_wheels_hold_their_rooms_and_their_data(
    folder: Path, rooms: set[str], built: dict[Path, Built]
) -> None:
    """Layers, catalogue, model and licences travel with the code that reads them."""
    assert built[folder].rooms == rooms
    tracked = subprocess.check_output(["git", "ls-files", *rooms], cwd=ROOT, text=True)
    assert set(tracked.split()) <= built[folder].wheel


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_sdist_is_complete_in_itself(folder: Path, built: dict[Path, Built]) -> None:
    """It holds files and no links, nothing twice, and nothing of other distributions; it brings the licence."""
    names = [member.name.split("/", 1)[1] for member in built[folder].sdist]
    assert [member.name for member in built[folder].sdist if not member.isfile()] == []
    assert len(names) == len(set(names))
    beside = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "hatch_build.py", "pyproject.toml", ".gitignore"}
    assert {name.split("/")[0] for name in names} - beside == built[folder].rooms
    assert {"LICENSE", "README.md", "pyproject.toml"} <= set(names)
    assert any(name.endswith("/licenses/LICENSE") for name in built[folder].wheel)


def test_the_demo_needs_what_its_generated_code_asks_for() -> None:
    """Generated code refuses older packages than those that made it, and warns of those a major version newer."""
    proto = ROOT / "demo_flow" / "proto"
    protobuf = re.search(r"^# Protobuf Python Version: (\S+)", (proto / "pamazon_pb2.py").read_text(), re.MULTILINE)
    grpcio = re.search(r"^GRPC_GENERATED_VERSION = '(\S+)'", (proto / "pamazon_pb2_grpc.py").read_text(), re.MULTILINE)
    assert protobuf is not None
    assert grpcio is not None
    assert {f"protobuf>={protobuf[1]},<8", f"grpcio>={grpcio[1]}"} <= set(project(DEMO)["dependencies"])


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_imports_point_one_way(room: str) -> None:
    """Data flows from left to right, and no room knows what is to its right."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for name in imports(path)
        if name.split(".")[0] in ALLOWED.keys() - {room}
        and not any(f"{name}.".startswith(f"{allowed}.") for allowed in ALLOWED[room])
    ]
    assert wrong == []


def imports(path: Path) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return found
