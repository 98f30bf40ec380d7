"""Publishes boards, and for a project monitors and alerts, to an organization in Sentry.

In: the generated files. Out: a step for each of them. State: none: what is there is read before it is changed, and what
is equal is not sent. Sentry adds keys of its own to all of it; only those that we set are compared.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from dashboards.publishing.differences import differences
from dashboards.publishing.sentry import Json, Sentry
from dashboards.publishing.session import PublishError
from dashboards.publishing.steps import Did, Step

_HERE: Final = Path(__file__).parents[1] / "sentry"


def boards() -> list[Json]:
    """Return the generated boards."""
    return _read("boards")


def alerts() -> list[Json]:
    """Return the generated alerts, each with its monitor."""
    return _read("alerts")


def publish(sentry: Sentry, project: str, *, dry_run: bool) -> Iterator[Step]:
    """Create or update everything.

    Args:
        sentry: where.
        project: slug of the project whose errors and spans are alerted on; empty: no alerts.
        dry_run: change nothing.

    Yields:
        What was done, as it is done.

    Raises:
        PublishError: Sentry does not answer, or refuses.
    """
    numbers = sentry.boards()
    for board in boards():
        yield _board(sentry, board, numbers.get(board["title"]), dry_run)
    if not project:
        for made in alerts():
            yield Step("alert", made["alert"]["name"], Did.LEFT, why="no --project is named")
        return
    number = sentry.project_id(project)
    monitors = sentry.monitors(number)
    there = {alert["name"]: alert for alert in sentry.alerts(number)}
    for made in alerts():
        if made["monitor"]:
            step, source = _monitor(sentry, project, made["monitor"], monitors, dry_run)
            yield step
        else:
            source = _errors_of(project, monitors)
        yield _alert(sentry, made["alert"], source, there, dry_run)


def _board(sentry: Sentry, board: Json, number: str | None, dry_run: bool) -> Step:
    kind, title = "board", board["title"]
    if number is None:
        if not dry_run:
            sentry.create_board(board)
        return Step(kind, title, Did.CREATED)
    found = sentry.board(number)
    changes = differences(_same_keys(found, board), board)
    if changes and not dry_run:
        ids = {widget["title"]: widget["id"] for widget in found["widgets"]}
        widgets = [
            {**widget, "id": ids[widget["title"]]} if widget["title"] in ids else widget for widget in board["widgets"]
        ]
        sentry.update_board(number, {**board, "widgets": widgets})
    return Step(kind, title, Did.UPDATED if changes else Did.KEPT, changes)


def _monitor(sentry: Sentry, project: str, body: Json, monitors: list[Json], dry_run: bool) -> tuple[Step, str]:
    """Publish one; return what was done, and its id, which a dry run does not know of a new one."""
    found = next((each for each in monitors if each["name"] == body["name"]), None)
    if found is None:
        made = {"id": ""} if dry_run else sentry.create_monitor(project, body)
        return Step("monitor", body["name"], Did.CREATED), str(made["id"])
    changes = differences(_same_keys(_as_sent(found), body), body)
    if changes and not dry_run:
        sentry.update_monitor(found["id"], body)
    return Step("monitor", body["name"], Did.UPDATED if changes else Did.KEPT, changes), str(found["id"])


def _alert(sentry: Sentry, body: Json, source: str, there: Mapping[str, Json], dry_run: bool) -> Step:
    kind, title, wanted = "alert", body["name"], {**body, "detectorIds": [source]}
    found = there.get(title)
    if found is None:
        if not dry_run:
            sentry.create_alert(wanted)
        return Step(kind, title, Did.CREATED)
    changes = differences(_same_keys(found, wanted), wanted)
    if changes and not dry_run:
        sentry.update_alert(found["id"], {**wanted, "id": found["id"]})
    return Step(kind, title, Did.UPDATED if changes else Did.KEPT, changes)


def _errors_of(project: str, monitors: list[Json]) -> str:
    """Return the id of the monitor that opens an issue for each new error: Sentry makes one for each project."""
    for monitor in monitors:
        if monitor["type"] == "error":
            return str(monitor["id"])
    raise PublishError(f"The project {project} has no monitor of errors.", "Is this a Sentry with monitors and alerts?")


def _as_sent(monitor: Json) -> Json:
    """Return a monitor with its query where it is sent: Sentry returns it two levels below."""
    sources = [{**each, **each.get("queryObj", {}).get("snubaQuery", {})} for each in monitor.get("dataSources") or []]
    return {**monitor, "dataSources": sources}


def _same_keys(found: Any, wanted: Any) -> Any:
    """Return what was found without the keys that we do not set."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return {key: _same_keys(found.get(key), value) for key, value in wanted.items()}
    if isinstance(found, list) and isinstance(wanted, list):
        like = {each["title"]: each for each in wanted if isinstance(each, Mapping) and "title" in each}
        paired = [*wanted[: len(found)], *([{}] * (len(found) - len(wanted)))]
        return [
            _same_keys(each, like.get(each["title"], {"title": ""}) if like and isinstance(each, Mapping) else twin)
            for each, twin in zip(found, paired, strict=True)
        ]
    return found


def _read(folder: str) -> list[Json]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((_HERE / folder).glob("*.json"))]
