"""Publishes folder, data sources and boards to a Grafana.

In: the generated files, the addresses of the data sources. Out: a step for each of them. State: none: what is there is
read before it is changed, and what is equal is not sent.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

from dashboards.publishing.differences import Difference, differences
from dashboards.publishing.grafana import Grafana, Json
from dashboards.publishing.session import address
from dashboards.publishing.steps import Did, Step

FOLDER, FOLDER_TITLE = "search-telemetry", "Search telemetry"
_HERE: Final = Path(__file__).parents[1] / "grafana"
_OF_GRAFANA: Final = ("id", "version")
"""Keys of a board that Grafana sets."""
_MESSAGE: Final = "telemetry dashboards publish"


def boards() -> list[Json]:
    """Return the generated boards."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((_HERE / "boards").glob("*.json"))]


def data_sources() -> list[Json]:
    """Return the generated data sources, with variables as their addresses."""
    made: list[Json] = json.loads((_HERE / "datasources.json").read_text(encoding="utf-8"))
    return made


def publish(grafana: Grafana, environment: Mapping[str, str], *, dry_run: bool) -> Iterator[Step]:
    """Create or update everything, in an order in which nothing refers to what is not there yet.

    Args:
        grafana: where.
        environment: has `PROMETHEUS_URL`, `JAEGER_URL`, `LOKI_URL`, `ALERTMANAGER_URL`: where Grafana finds them.
        dry_run: change nothing.

    Yields:
        What was done, as it is done.

    Raises:
        TelemetryError: a variable is not an address; nothing was published.
        PublishError: Grafana does not answer, or refuses.
    """
    for source in data_sources():
        if url := environment.get(variable := _variable(source), ""):
            address(url, variable, "http://prometheus:9090", with_user=True)
    for source in data_sources():
        yield _data_source(grafana, source, environment, dry_run)
    yield _folder(grafana, dry_run)
    for board in boards():
        yield _board(grafana, board, dry_run)


def _folder(grafana: Grafana, dry_run: bool) -> Step:
    if found := grafana.folder(FOLDER):
        return Step("folder", str(found["title"]), Did.KEPT)
    if not dry_run:
        grafana.create_folder(FOLDER, FOLDER_TITLE)
    return Step("folder", FOLDER_TITLE, Did.CREATED)


def _data_source(grafana: Grafana, source: Json, environment: Mapping[str, str], dry_run: bool) -> Step:
    kind, title, variable = "data source", source["name"], _variable(source)
    url = environment.get(variable, "")
    if not url:
        return Step(kind, title, Did.LEFT, why=f"{variable}, where Grafana finds it, is not set")
    wanted = {**source, "url": Template(source["url"]).substitute({variable: url})}
    found = grafana.data_source(source["uid"])
    if found is None:
        if not dry_run:
            grafana.create_data_source(wanted)
        return Step(kind, title, Did.CREATED)
    if found.get("readOnly"):
        return Step(kind, title, Did.LEFT, why="Grafana reads it from a file")
    changes = differences({key: found.get(key) for key in wanted}, wanted)
    if changes and not dry_run:
        grafana.update_data_source({**found, **wanted})
    return Step(kind, title, Did.UPDATED if changes else Did.KEPT, changes)


def _variable(source: Json) -> str:
    """Return the name of the variable that has a data source's address."""
    return str(source["url"]).strip("${}")


def _board(grafana: Grafana, board: Json, dry_run: bool) -> Step:
    kind, title = "board", board["title"]
    found = grafana.board(board["uid"])
    if found is None:
        if not dry_run:
            grafana.save_board({**board, "id": None}, FOLDER, _MESSAGE)
        return Step(kind, title, Did.CREATED)
    if found.provisioned:
        return Step(kind, title, Did.LEFT, why="Grafana reads it from a file")
    changes = differences(_without(found.board), board)
    if found.folder != FOLDER:
        changes.insert(0, Difference(("folder",), found.folder or "none", FOLDER))
    if changes and not dry_run:
        theirs = {key: found.board[key] for key in _OF_GRAFANA if key in found.board}
        grafana.save_board({**board, **theirs}, FOLDER, _MESSAGE)
    return Step(kind, title, Did.UPDATED if changes else Did.KEPT, changes)


def _without(board: Json) -> dict[str, Any]:
    return {key: value for key, value in board.items() if key not in _OF_GRAFANA}
