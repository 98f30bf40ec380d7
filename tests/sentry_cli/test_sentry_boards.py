"""Sentry's own command line draws our boards, with the demo's spans, errors and log records as its data."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dashboards.rendering.sentry import board
from dashboards.sentry.boards import BOARDS
from dashboards.sentry.fields import COUNT, ENTRY
from dashboards.sentry.model import SentryBoard, Show, Widget
from tests.sentry_api_stand_in import ORGANIZATION, TOKEN, SentryApi, sentry_api
from tests.sentry_cli.answering import table, timeseries
from tests.sentry_cli.cli import output, view
from tests.sentry_cli.items import Row

pytestmark = pytest.mark.timeout(300)
KINDS = {Show.NUMBER: "scalar", Show.LINES: "timeseries", Show.AREAS: "timeseries", Show.TABLE: "table"}


@pytest.fixture
def sentry(demo_items: dict[str, list[Row]]) -> Iterator[SentryApi]:
    """A Sentry that holds the demo's data."""
    answers = {"events": table, "events-timeseries": timeseries}
    with sentry_api(data=lambda path, query: answers[path](demo_items[query["dataset"][0]], query)) as running:
        yield running


def create(sentry: SentryApi, body: Mapping[str, Any]) -> str:
    """Create a board; return its id."""
    path = f"/api/0/organizations/{ORGANIZATION}/dashboards/"
    status, made = sentry.respond("POST", path, {}, f"Bearer {TOKEN}", body)
    assert status == 201, made
    return str(made["id"])


def has_data(answer: Row) -> bool:
    """Whether there is something to see: a number above 0, a point above 0, a row in which each column has a value."""
    if answer["type"] == "scalar":
        return bool(answer["value"] > 0)
    if answer["type"] == "timeseries":
        return any(point["value"] > 0 for series in answer["series"] for point in series["values"])
    rows, columns = answer.get("rows", []), [column["name"] for column in answer.get("columns", [])]
    return bool(rows) and all(any(row[column] is not None for row in rows) for column in columns)


@pytest.mark.parametrize("made", BOARDS, ids=lambda made: made.name)
def test_the_command_line_of_sentry_draws_every_widget_with_data(
    made: SentryBoard, sentry: SentryApi, tmp_path: Path
) -> None:
    """Every widget is understood, asks, gets data of the kind that it shows, and is drawn under its title."""
    number = create(sentry, board(made))
    started = view(sentry.url, tmp_path / "a", number, "--json"), view(sentry.url, tmp_path / "b", number)
    answered, drawn = (output(each) for each in started)
    widgets = {widget["title"]: widget["data"] for widget in json.loads(answered)["widgets"]}
    assert {title: answer["type"] for title, answer in widgets.items()} == {
        widget.title: KINDS[widget.show] for widget in made.widgets
    }
    assert [title for title, answer in widgets.items() if not has_data(answer)] == []
    assert [widget.title for widget in made.widgets if f"╭─ {widget.title} ─" not in drawn] == []
    asked = [path for _, path, _, _ in sentry.asked if path.endswith(("/events/", "/events-timeseries/"))]
    assert len(asked) == 2 * len(made.widgets)


def test_a_mistake_in_a_widget_is_seen(sentry: SentryApi, tmp_path: Path) -> None:
    """A boolean without its type finds nothing, and an aggregate that spans do not have is an error."""
    untyped = ENTRY.replace("tags[search.entry,boolean]", "search.entry")
    wrong = SentryBoard(
        "wrong",
        "Wrong",
        (
            Widget("untyped", "", Show.NUMBER, (COUNT,), untyped, height=1),
            Widget("unknown", "", Show.NUMBER, ("failure_rate()",), ENTRY, height=1),
        ),
    )
    answered = json.loads(output(view(sentry.url, tmp_path, create(sentry, board(wrong)), "--json")))
    found, unknown = (widget["data"] for widget in answered["widgets"])
    assert (found["type"], has_data(found), unknown["type"]) == ("scalar", False, "error")
