"""Boards and alerts as the JSON of Sentry's API.

In: `dashboards/sentry`. Out: bodies of requests: `POST …/dashboards/`, `POST …/detectors/`, `POST …/workflows/`.
State: none.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from dashboards.sentry.alerts import ALERTS
from dashboards.sentry.boards import BOARDS
from dashboards.sentry.fields import heading
from dashboards.sentry.model import COLUMNS, MOST_ROWS, Json, Monitor, SentryAlert, SentryBoard, Show, Widget

BAD, GOOD = 75, 0
"""Priorities of an issue: high, and resolved."""
_Made = TypeVar("_Made")
_LEAST_HEIGHT: Final = {Show.NUMBER: 1}


def board(made: SentryBoard) -> Json:
    """Return the body that creates a board. It shows the last hour."""
    places = _places(made.widgets)
    widgets = [_widget(widget, x, y) for widget, (x, y) in zip(made.widgets, places, strict=True)]
    return {"title": made.title, "period": "1h", "widgets": widgets}


def alert(made: SentryAlert) -> Json:
    """Return the bodies that create an alert and its monitor, if it has one.

    The body of the alert lacks `detectorIds`: Sentry numbers the monitor, and the monitor of a project's errors.
    """
    notify = {
        "type": "email",
        "integrationId": None,
        "data": {"fallthroughType": "ActiveMembers"},
        "config": {"targetType": "issue_owners", "targetDisplay": None, "targetIdentifier": ""},
        "status": "active",
    }
    workflow = {
        "name": made.title,
        "enabled": True,
        "config": {"frequency": made.minutes},
        "triggers": {
            "logicType": "any-short",
            "conditions": [{"type": made.trigger, "comparison": True, "conditionResult": True}],
        },
        "actionFilters": [{"logicType": "all", "conditions": [], "actions": [notify]}],
    }
    return {"monitor": _monitor(made.title, made.monitor) if made.monitor else None, "alert": workflow}


def files() -> Mapping[Path, Callable[[], str]]:
    """Return every generated file, by its path below `dashboards/`."""
    return {
        **{Path("sentry/boards", f"{made.name}.json"): _text(board, made) for made in BOARDS},
        **{Path("sentry/alerts", f"{made.name}.json"): _text(alert, made) for made in ALERTS},
    }


def _text(render: Callable[[_Made], Json], made: _Made) -> Callable[[], str]:
    return lambda: json.dumps(render(made), indent=2, ensure_ascii=False) + "\n"


def _widget(widget: Widget, x: int, y: int) -> Json:
    names = [*widget.by, *widget.values]
    query = {
        "name": "",
        "fields": names,
        "aggregates": list(widget.values),
        "columns": list(widget.by),
        "fieldAliases": [heading(name) for name in names] if widget.show is Show.TABLE else [],
        "conditions": widget.where,
        "orderby": widget.sort,
    }
    grouped = bool(widget.by)
    return {
        "title": widget.title,
        "description": widget.description,
        "displayType": widget.show.value,
        "widgetType": widget.dataset.value,
        "queries": [query],
        "limit": MOST_ROWS if grouped else None,
        "layout": {
            "x": x, "y": y, "w": widget.width, "h": widget.height, "minH": _LEAST_HEIGHT.get(widget.show, 2),
        },
    }  # fmt: skip


def _places(widgets: tuple[Widget, ...]) -> list[tuple[int, int]]:
    """Return the upper left corner of each: from left to right, the next row below the highest of this one."""
    places, x, y, height = [], 0, 0, 0
    for widget in widgets:
        if x + widget.width > COLUMNS:
            x, y, height = 0, y + height, 0
        places.append((x, y))
        x, height = x + widget.width, max(height, widget.height)
    return places


def _monitor(title: str, made: Monitor) -> Json:
    return {
        "name": title,
        "type": "metric_issue",
        "dataSources": [
            {
                "aggregate": made.value,
                "dataset": "events_analytics_platform",
                "eventTypes": ["trace_item_span"],
                "query": made.where,
                "queryType": 1,
                "timeWindow": made.window_s,
            }
        ],
        "config": {"detectionType": "static"},
        "conditionGroup": {
            "logicType": "any",
            "conditions": [
                {"type": "gt", "comparison": made.above, "conditionResult": BAD},
                {"type": "lte", "comparison": made.above, "conditionResult": GOOD},
            ],
        },
        "description": made.description,
        "enabled": True,
    }
