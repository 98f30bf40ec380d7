"""The page about defects is true: every test that it names is there, and was broken once to see it fail."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.defects.mutant import Mutant
from tests.defects.mutants import MUTANTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "defects.md"
ROW = re.compile(r"^\| (?!#|-|defect|trap)(.*) \|$", re.MULTILINE)
TEST = re.compile(r"`([a-z_/]+\.py::[\w:]+)`")
NO_TEST = ("cannot ", "no test: ")
NOT_THE_LIBRARYS = re.compile(r"integration/|unit/test_(local|api|demo|privacy)_|contract/test_prefork_|.*full_flow")
"""Tests of the collector, of the demo, and of many processes, which `make mutants` does not run."""


def rows() -> list[list[str]]:
    return [row.split(" | ") for row in ROW.findall(PAGE.read_text("utf-8")) if not row.startswith("---")]


def named() -> list[str]:
    return sorted({test for row in rows() for test in TEST.findall(row[-1])})


@cache
def names_in(path: Path) -> frozenset[str]:
    """The tests and classes of a file, as pytest names them."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inside = (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}::{one.name}" for one in inside}
    return frozenset(found)


def is_there(test: str) -> bool:
    file, _, name = test.partition("::")
    path = ROOT / "tests" / file
    return path.exists() and name in names_in(path)


def test_every_row_names_a_test_or_the_reason_for_none() -> None:
    """A defect without either would only be a promise."""
    assert len(rows()) > 50
    assert [row for row in rows() if not TEST.search(row[-1]) and not row[-1].startswith(NO_TEST)] == []


def test_every_test_that_is_named_is_there() -> None:
    """A test that is renamed takes its row along."""
    assert [test for test in named() if not is_there(test)] == [], "fix these in docs/defects.md"


def test_every_test_of_the_library_has_its_broken_variant() -> None:
    """`make mutants` sees each of them fail."""
    broken = {mutant.test for mutant in MUTANTS}
    without = [test for test in named() if test not in broken and not NOT_THE_LIBRARYS.match(test)]
    assert without == [], "give these a row in tests/defects/mutants_of_*.py"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.file}-{mutant.test.rpartition('::')[2]}")
def test_a_broken_variant_can_be_made(mutant: Mutant) -> None:
    """What it changes stands once in its file, what comes out is Python, and its test is there."""
    source = (ROOT / mutant.file).read_text("utf-8")
    assert source.count(mutant.old) == 1, "fix the row: the code has changed"
    compile(source.replace(mutant.old, mutant.new), mutant.file, "exec")
    assert is_there(mutant.test)
