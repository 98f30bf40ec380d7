"""Imports run one way: which rooms may import which, and no module imports itself around a circle.

Every import counts, also one inside a function or under `TYPE_CHECKING`: a lazy import may save time or memory, but
does not make a circle right.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_AT_THE_ROOT = 5

ORDER = {
    "telemetry": (
        {"errors", "conventions", "repairs"},
        {"privacy"},
        {"recording", "config"},
        {"context"},
        {"api", "batching", "rpc", "otlp", "logs"},
        {"pipeline", "testing"},
        {"prometheus", "sentry"},
        {"setup"},
        {"cli"},
        {"__main__"},
    ),
    "telemetry.rpc": (
        {"calls"},
        {"threads"},
        {"aio"},
        {"zero_code"},
    ),
    "collector": (
        {"analysis", "processes"},
        {"local"},
        {"stack"},
        {"doctor"},
    ),
    "dashboards": (
        {"model"},
        {"promql"},
        {"variables", "links"},
        {"alerts"},
        {"boards", "sentry"},
        {"rendering"},
        {"checks", "publishing", "preview", "desk"},
        {"commands"},
    ),
    "collector.local": (
        {"errors"},
        {"settings", "amounts"},
        {"net", "store"},
        {"decode", "query", "promql"},
        {"stats", "page"},
        {"intake", "api", "paths"},
        {"server", "render"},
        {"criticalpath"},
        {"cli"},
    ),
    "collector.doctor": (
        {"finding", "options", "samples", "together"},
        {"network", "report"},
        {"backends", "render"},
        {"checks"},
        {"doctor"},
        {"command"},
    ),
}
"""By package, from the lowest floor up. A room imports those on floors below it, and none beside it."""


def module_at(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def files_of(package: str) -> list[Path]:
    return sorted((ROOT / package.replace(".", "/")).rglob("*.py"))


MODULES = {
    module_at(path): path
    for package in ("telemetry", "collector", "dashboards", "demo_flow")
    for path in files_of(package)
}


def imported_by(source: str) -> Iterator[str]:
    """Yield every module that a file imports, at its top or anywhere else in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


IMPORTS = {module: set(imported_by(path.read_text("utf-8"))) for module, path in MODULES.items()}


def room_of(module: str, package: str) -> str | None:
    """Return the room of a package that a module is in, "" for the package itself; None outside of it."""
    if module == package:
        return ""
    return module.removeprefix(f"{package}.").split(".")[0] if module.startswith(f"{package}.") else None


@pytest.mark.parametrize("package", ORDER)
def test_rooms_import_the_floors_below_alone(package: str) -> None:
    floor = {room: number for number, rooms in enumerate(ORDER[package]) for room in rooms}
    floor[""] = len(floor)  # the package itself, which imports what it offers
    rooms = {module: room for module in MODULES if (room := room_of(module, package)) is not None}
    assert set(rooms.values()) == floor.keys(), "each room needs a floor in ORDER"
    wrong = [
        f"{module} imports {imported}"
        for module, room in rooms.items()
        for imported in sorted(IMPORTS[module] & rooms.keys())
        if rooms[imported] != room and floor[rooms[imported]] >= floor[room]
    ]
    assert wrong == []


def test_no_module_imports_itself_around_a_circle() -> None:
    circles = []
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        if module in way:
            circles.append(" > ".join((*way[way.index(module) :], module)))
        elif module not in done:
            for imported in sorted(IMPORTS[module] & MODULES.keys()):
                visit(imported, (*way, module))
            done.add(module)

    for module in sorted(MODULES):
        visit(module, ())
    assert circles == []


def test_a_lazy_import_and_one_for_types_count() -> None:
    source = "if TYPE_CHECKING:\n    import telemetry.cli\ndef late():\n    from telemetry.setup import configure"
    assert set(imported_by(source)) == {"telemetry.cli", "telemetry.setup.configure"}


@pytest.mark.parametrize("package", ["telemetry", "collector/local"])
def test_few_modules_stand_at_the_root_of_a_package(package: str) -> None:
    """A reader meets rooms there; what fits into none of them stands beside them."""
    modules = {path.name for path in (ROOT / package).glob("*.py")} - {"__init__.py"}
    assert len(modules) <= MOST_AT_THE_ROOT, modules


def test_importing_the_library_loads_neither_the_sdk_nor_the_scrub_rules() -> None:
    """Both are loaded by `configure`: a program that only marks its stages starts without them."""
    code = "import sys, telemetry; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = (
        "opentelemetry.sdk",
        "opentelemetry.proto",
        "grpc",
        "google",
        "prometheus_client",
        "telemetry.privacy.rules",
    )
    assert [name for name in run.stdout.split() if name.startswith(heavy)] == []


def test_exporting_loads_no_message_classes() -> None:
    """Nor the SDK's metrics: encoders and senders read and write protobuf's bytes."""
    code = "import sys, telemetry.otlp.signals, telemetry.otlp.grpc, telemetry.otlp.http; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = ("google", "opentelemetry.proto", "opentelemetry.exporter", "opentelemetry.sdk.metrics", "grpc")
    assert [name for name in run.stdout.split() if name.startswith(heavy)] == []
