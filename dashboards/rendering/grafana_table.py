"""What a table has beside its queries: one row for each set of labels, named columns, their units, links and colours.

In: a table's JSON and its `Panel`. Out: the JSON, completed. State: none.
"""

from collections.abc import Mapping
from typing import Any, Final

from dashboards.links import with_desk
from dashboards.model import Link, Panel, Query, Step

_GRAY: Final = "rgba(128, 128, 128, 0.35)"


def finish(rendered: dict[str, Any], panel: Panel, queries: Mapping[str, Query]) -> None:
    """Complete a table; `queries` by the letters of their targets."""
    columns = {f"Value #{ref}" if len(queries) > 1 else "Value": query for ref, query in queries.items()}
    rendered["transformations"] = _transformations(panel, columns)
    gray = panel.gray_below
    rendered["fieldConfig"]["overrides"] = [
        *(
            _override(title, [("links", _links(with_desk(panel.links))), ("custom.minWidth", 90)])
            for _, title in panel.labels
        ),
        *(_override(query.title, _column(query, gray)) for query in columns.values() if not query.hidden),
    ]


def _transformations(panel: Panel, columns: Mapping[str, Query]) -> list[dict[str, Any]]:
    """Join the answers by their labels, sort the rows, name and order the columns."""
    order = [*(label for label, _ in panel.labels), *columns]
    by = [(name, True) for name, query in columns.items() if query.title == panel.sort and panel.sort]
    by += [(name, False) for name, title in panel.labels if title == panel.sort]
    return [
        {"id": "merge", "options": {}},
        *({"id": "sortBy", "options": {"fields": {}, "sort": [{"field": name, "desc": desc}]}} for name, desc in by),
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True} | {name: True for name, query in columns.items() if query.hidden},
                "indexByName": {name: index for index, name in enumerate(order)},
                "renameByName": dict(panel.labels) | {name: query.title for name, query in columns.items()},
            },
        },
    ]


def _column(query: Query, gray: tuple[str, float] | None) -> list[tuple[str, Any]]:
    properties: list[tuple[str, Any]] = []
    if query.unit:
        properties.append(("unit", query.unit.value))
    if gray and gray[0] == query.title:
        steps = [{"value": None, "color": _GRAY}, {"value": gray[1], "color": "transparent"}]
        cell = {"type": "color-background", "mode": "basic", "applyToRow": True}
        properties += [("thresholds", {"mode": "absolute", "steps": steps}), ("custom.cellOptions", cell)]
    elif query.steps:
        properties += [("thresholds", _thresholds(query.steps)), ("custom.cellOptions", {"type": "color-text"})]
    return properties


def _thresholds(steps: tuple[Step, ...]) -> dict[str, Any]:
    return {"mode": "absolute", "steps": [{"value": step.at, "color": step.tone.value} for step in steps]}


def _links(links: tuple[Link, ...]) -> list[dict[str, Any]]:
    """Return a row's links: in a table its labels are fields."""
    return [
        {
            "title": link.title,
            "url": link.url.replace("${__field.labels.", "${__data.fields."),
            "targetBlank": link.new_tab,
        }
        for link in links
    ]


def _override(column: str, properties: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": column},
        "properties": [{"id": key, "value": value} for key, value in properties],
    }
