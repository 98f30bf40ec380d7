"""The boards' JSON has the types of Grafana's own schema, down to each panel's options and each query.

In: the committed boards. Out: what TypeScript says of each of them, of all in one run. State: a folder of the test's.
"""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import npm

HERE = Path(__file__).parent
BOARDS = sorted((HERE.parents[1] / "dashboards" / "grafana" / "boards").glob("*.json"))
Change = Callable[[dict[str, Any]], None]


def _panel(board: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(panel for panel in board["panels"] if panel["type"] == kind)
    return found


def _legend(board: dict[str, Any]) -> None:
    options = _panel(board, "timeseries")["options"]
    options["legendd"] = options.pop("legend")


def _expression(board: dict[str, Any]) -> None:
    target = _panel(board, "stat")["targets"][0]
    target["exprr"] = target.pop("expr")


def _color_mode(board: dict[str, Any]) -> None:
    _panel(board, "stat")["options"]["colorMode"] = "values"


def _line(board: dict[str, Any]) -> None:
    _panel(board, "timeseries")["fieldConfig"]["defaults"]["custom"]["lineWith"] = 1


def _unit(board: dict[str, Any]) -> None:
    _panel(board, "table")["fieldConfig"]["defaults"]["units"] = "s"


def _refresh(board: dict[str, Any]) -> None:
    board["refreshh"] = board.pop("refresh")


MISSPELT: Mapping[str, Change] = {
    "legendd": _legend,
    "exprr": _expression,
    "values": _color_mode,
    "lineWith": _line,
    "units": _unit,
    "refreshh": _refresh,
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """What TypeScript says, by the name of the board, or of the misspelt word in it."""
    if not shutil.which("node") or not npm.modules(HERE).is_dir():
        pytest.skip("no types of Grafana: make browser")
    folder = tmp_path_factory.mktemp("types")
    for name in ("board.ts", "tsconfig.json", "package.json"):
        shutil.copy(HERE / name, folder)
    (folder / "node_modules").symlink_to(npm.modules(HERE))
    for path in BOARDS:
        _write(folder / f"{path.stem}.ts", json.loads(path.read_text("utf-8")))
    for word, change in MISSPELT.items():
        board = json.loads(BOARDS[BOARDS.index(next(each for each in BOARDS if "overview" in each.name))].read_text())
        change(board)
        _write(folder / f"misspelt-{word}.ts", board)
    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "--pretty", "false"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    found = defaultdict(list)
    for line in done.stdout.splitlines():
        if match := re.match(r"([\w-]+)\.ts\(", line):
            found[match[1].removeprefix("misspelt-")].append(line)
        else:
            found[""].append(line)
    found[""] += done.stderr.splitlines()
    return found


def _write(path: Path, board: dict[str, Any]) -> None:
    text = json.dumps(board, indent=1, ensure_ascii=False)
    path.write_text(
        f"import type {{ Board }} from './board';\n\nexport const board: Board = {text};\n", encoding="utf-8"
    )


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_board_has_the_types_of_grafana(path: Path, verdicts: Mapping[str, list[str]]) -> None:
    """Options, fields and queries of each of its panels, its variables, annotations and links."""
    assert not verdicts.get(path.stem)
    assert not [line for line in verdicts.get("", []) if line[:1] != " "]


@pytest.mark.parametrize("word", MISSPELT)
def test_a_misspelt_word_is_found(word: str, verdicts: Mapping[str, list[str]]) -> None:
    """In an option, a query, a value, a field, and in the board itself: by its name."""
    said = " ".join(verdicts[word])
    assert word in said
    assert "error TS" in said
