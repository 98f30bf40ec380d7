"""Which tests need the library alone: `python -m tests.library_alone` prints their files.

In: the text of every test, and of what it imports of `tests`. Out: the files that name no other room. They run wherever
`search-telemetry` and the tools of the dependency group `library` are installed: on the lowest dependencies, on the
newest, on every Python.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = ("unit", "contract", "defects")
READ_ALL: Final = frozenset({"test_docs.py"})
"""Tests that import nothing, and run what pages of every room describe."""

SMOKE: Final = (
    "tests/unit/test_endpoint.py",
    "tests/unit/test_metrics_pipeline.py",
    "tests/unit/test_privacy_signals.py",
    "tests/unit/test_prometheus_names.py",
    "tests/unit/test_rpc_call.py",
    "tests/unit/test_stage_kinds.py",
    "tests/unit/test_testing.py",
    "tests/contract/test_configure_wire.py",
)
"""A few of each kind: decorators, metrics, what leaves the process, rpc, the pytest plugin."""

_ROOM: Final = r"(?:collector|demo_flow|dashboards|benchmarks)"
_ELSEWHERE: Final = re.compile(rf"""\b(?:from|import)\s+{_ROOM}\b|["']{_ROOM}[."'/]""")


def library_alone() -> list[Path]:
    """Return the files."""
    found = [path for folder in FOLDERS for path in sorted((ROOT / "tests" / folder).glob("test_*.py"))]
    return [path for path in found if path.name not in READ_ALL and _stays(path)]


def _stays(test: Path) -> bool:
    """Say whether neither a test nor what it imports of `tests` names another room."""
    seen, waiting = set[Path](), [test]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        text = path.read_text("utf-8")
        if _ELSEWHERE.search(text):
            return False
        waiting += _of_tests(ast.parse(text))
    return True


def _of_tests(module: ast.Module) -> Iterator[Path]:
    """Yield the modules of `tests` that one imports."""
    names = list[str]()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    for name in names:
        path = (ROOT / name.replace(".", "/")).with_suffix(".py")
        if name.startswith("tests.") and path.is_file():
            yield path


if __name__ == "__main__":
    sys.stdout.writelines(f"{path.relative_to(ROOT)}\n" for path in library_alone())
