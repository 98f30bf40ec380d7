"""Imports run one way: which rooms may import which, and that no module imports itself around a circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

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
    ),
    "collector": (
        {"analysis"},
        {"local"},
        {"stack"},
        {"doctor"},
    ),
    "collector.local": (
        {"errors"},
        {"settings", "amounts"},
        {"net", "store"},
        {"decode", "query"},
        {"stats"},
        {"intake", "api"},
        {"server", "render"},
        {"cli"},
    ),
}
"""From the lowest floor up. A room imports those on floors below it, and none beside it."""


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """The modules of this project that a file imports, and whether inside a function or for types alone."""
    tree = ast.parse(path.read_text("utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield (full if exists(full) else node.module), id(node) not in top
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in top


def exists(module: str) -> bool:
    at = ROOT / module.replace(".", "/")
    return at.with_suffix(".py").is_file() or (at / "__init__.py").is_file()


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("package", ORDER)
def test_rooms_import_the_floors_below_alone(package: str) -> None:
    """Also inside functions and for types: a lazy import saves time, and hides no circle."""
    floor = {room: number for number, rooms in enumerate(ORDER[package]) for room in rooms}
    wrong = []
    for path in sorted((ROOT / package.replace(".", "/")).rglob("*.py")):
        module = name_of(path)
        if module == package:
            continue
        room = module.removeprefix(f"{package}.").split(".")[0]
        for imported, _ in imports(path):
            if imported == package or imported.startswith(f"{package}."):
                other = imported.removeprefix(package).lstrip(".").split(".")[0]
                if other != room and (not other or floor[other] >= floor[room]):
                    wrong.append(f"{module} imports {imported}")
    assert wrong == []


@pytest.mark.parametrize("package", ["telemetry", "collector", "demo_flow"])
def test_no_module_imports_itself_around_a_circle(package: str) -> None:
    graph = {name_of(path): {imported for imported, _ in imports(path)} for path in (ROOT / package).rglob("*.py")}
    circles = []
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        if module in way:
            circles.append(" > ".join((*way[way.index(module) :], module)))
        elif module not in done:
            for imported in sorted(graph[module] & graph.keys()):
                visit(imported, (*way, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())
    assert circles == []
