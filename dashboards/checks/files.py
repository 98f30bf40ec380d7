"""Every generated file, and what writes it.

In: the boards and rules. Out: their text by path, below this package. State: none.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from dashboards.alerts import rendering as rules
from dashboards.alerts import routes
from dashboards.boards import BOARDS
from dashboards.rendering import data_sources, desk, grafana, perses, sentry

HERE: Final = Path(__file__).parents[1]
FILES: Final[Mapping[Path, Callable[[], str]]] = {
    **{Path(f"grafana/boards/{board.uid}.json"): partial(grafana.render, board) for board in BOARDS},
    **{Path(f"alerts/rules/{group.name}.yml"): partial(rules.text, group) for group in rules.groups()},
    **data_sources.files(),
    **sentry.files(),
    Path("alerts/alertmanager.yml"): partial(routes.text, webhook=False),
    Path("alerts/alertmanager-webhook.yml"): partial(routes.text, webhook=True),
    **{Path(f"perses/{board.uid}.json"): partial(perses.render, board) for board in BOARDS},
    Path("desk/static/boards.json"): partial(desk.text, BOARDS),
}
"""From the path below `dashboards/` to the function that returns the file's text."""


def build() -> int:
    """Write the files that differ, and print which; return the exit status."""
    for path, text in stale().items():
        (HERE / path).parent.mkdir(parents=True, exist_ok=True)
        (HERE / path).write_text(text, encoding="utf-8")
        print(f"written: dashboards/{path}")
    return 0


def stale() -> Mapping[Path, str]:
    """Return the text of each file that is missing or has another text."""
    texts = {path: make() for path, make in FILES.items()}
    return {path: text for path, text in texts.items() if _read(HERE / path) != text}


def extra() -> list[Path]:
    """Return the files beside generated ones that nothing generates; beside source, those of the same kind alone."""
    found = []
    for folder in sorted({path.parent for path in FILES}):
        kinds = {path.suffix for path in FILES if path.parent == folder}
        source = any((HERE / folder).glob("*.py")) or any((HERE / folder).glob("*.js"))
        for path in sorted((HERE / folder).iterdir()) if (HERE / folder).is_dir() else []:
            ours = path.relative_to(HERE) in FILES or path.name.startswith(".") or not path.is_file()
            if not ours and (not source or path.suffix in kinds):
                found.append(path.relative_to(HERE))
    return found


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
