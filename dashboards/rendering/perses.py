"""Renders a board as a dashboard of Perses 0.52.

In: a `Board`. Out: JSON, which `percli apply` takes; the preview's page takes it with panels of its own. State: none.

What Perses draws otherwise than Grafana:
- A heat map: Perses has one for native histograms alone, and our buckets have fixed bounds. A bucket is a line with its
  upper bound as its name.
- A stat has one unit: queries with a unit of their own, and changes against an hour before, are not drawn; the line
  behind the value shows the change.
- A table has neither tones, nor gray rows, nor links from a row, and a query that is not shown does not order it.
- Series have colours of Perses, not those of `Panel.tones`.
- Marks: Perses 0.52 has none. Exemplars: it asks for none.
- Links: none, since those of Perses 0.52 are above the panel and have no labels of a series.
- A time in Unix seconds is shown as a number.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from dashboards.model import Board, Draw, Panel, Query, Row, Step, Text, Tone, Unit, Variable
from dashboards.rendering.grid import places

Json = dict[str, Any]

PROJECT: Final = "search"
"""Perses' project of the boards."""
COLORS: Final = {
    Tone.GOOD: "#2da160",
    Tone.WARNING: "#e08600",
    Tone.BAD: "#e02f44",
    Tone.PLAIN: "#6e7a8a",
    Tone.WEAK: "#9aa5b4",
}
_UNITS: Final[Mapping[Unit, Json]] = {
    Unit.SECONDS: {"unit": "seconds"},
    Unit.MILLISECONDS: {"unit": "milliseconds"},
    Unit.SHARE: {"unit": "percent-decimal"},
    Unit.BYTES: {"unit": "bytes", "shortValues": True},
}
_NUMBER: Final[Json] = {"unit": "decimal", "shortValues": True}
_LABELS: Final = {Unit.REQUESTS_PER_SECOND: "requests a second", Unit.PER_SECOND: "a second"}
"""Labels beside an axis: Perses' units for these are longer than the values."""
_LEAST_LINE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Drawn:
    """The plugin that draws a panel, its spec, and the queries that it is given; None: all of the panel's."""

    kind: str
    spec: Json
    queries: tuple[Query, ...] | None = None


Renderer = Callable[[Panel], Drawn]


def render(board: Board) -> str:
    """Return a board as the text of a file."""
    return json.dumps(dashboard(board), indent=2, ensure_ascii=False) + "\n"


def dashboard(board: Board, renderers: Mapping[Draw, Renderer] | None = None) -> Json:
    """Return a board as a dashboard.

    Args:
        board: the board.
        renderers: from the way in which a panel is drawn to what renders it; None: by the plugins of Perses.
    """
    panels = {f"panel{number}": panel for number, panel in enumerate(board.panels, 1)}
    urls = " ".join(link.url for panel in board.panels for link in panel.links)
    texts = [text for text in board.texts if f"${{{text.name}}}" in urls]
    return {
        "kind": "Dashboard",
        "metadata": {"name": board.uid, "project": PROJECT},
        "spec": {
            "display": {"name": board.title, "description": board.question},
            "duration": "1h",
            "refreshInterval": "10s",
            "variables": [*map(_variable, board.variables), *map(_text, texts)],
            "panels": {name: _panel(panel, renderers or PERSES) for name, panel in panels.items()},
            "layouts": _layouts(board),
        },
    }


def _variable(variable: Variable) -> Json:
    spec: Json = {
        "name": variable.name,
        "display": {"name": variable.title, "hidden": variable.hidden},
        "allowAllValue": variable.several,
        "allowMultiple": variable.several,
        "sort": "alphabetical-asc",
        "plugin": {
            "kind": "PrometheusLabelValuesVariable",
            "spec": {"labelName": variable.label, "matchers": [variable.series]},
        },
    }
    if variable.several:
        spec |= {"defaultValue": "$__all", "customAllValue": variable.everything}
    if variable.first:
        spec["defaultValue"] = [variable.first] if variable.several else variable.first
    if variable.pattern:
        spec["capturingRegexp"] = variable.pattern
    return {"kind": "ListVariable", "spec": spec}


def _text(given: Text) -> Json:
    display = {"name": given.title, "description": given.description, "hidden": True}
    return {"kind": "TextVariable", "spec": {"name": given.name, "display": display, "value": given.value}}


def _layouts(board: Board) -> list[Json]:
    """Return a grid for each row, with places from its upper edge."""
    layouts: list[Json] = []
    top = number = 0
    for part, place in places(board):
        if isinstance(part, Row):
            top = place.y + place.height
            display = {"title": part.title, "collapse": {"open": True}}
            layouts.append({"kind": "Grid", "spec": {"display": display, "items": []}})
            continue
        number += 1
        item = {"x": place.x, "y": place.y - top, "width": place.width, "height": place.height}
        layouts[-1]["spec"]["items"].append({**item, "content": {"$ref": f"#/spec/panels/panel{number}"}})
    return layouts


def _panel(panel: Panel, renderers: Mapping[Draw, Renderer]) -> Json:
    drawn = renderers[panel.draw](panel)
    queries = panel.queries if drawn.queries is None else drawn.queries
    return {
        "kind": "Panel",
        "spec": {
            "display": {"name": panel.title, "description": panel.description},
            "plugin": {"kind": drawn.kind, "spec": drawn.spec},
            "queries": [_query(query) for query in queries],
        },
    }


def _query(query: Query) -> Json:
    spec = {"query": query.expr}
    if name := query.legend or query.title:
        spec["seriesNameFormat"] = name
    return {"kind": "TimeSeriesQuery", "spec": {"plugin": {"kind": "PrometheusTimeSeriesQuery", "spec": spec}}}


def _stat(panel: Panel) -> Drawn:
    queries = tuple(query for query in panel.queries if not (query.hidden or query.after or query.unit))
    spec: Json = {"calculation": "last-number", "format": _format(panel.unit), "sparkline": {}}
    return Drawn("StatChart", {**spec, **_thresholds(panel.steps)}, queries)


def _lines(panel: Panel) -> Drawn:
    return _over_time(panel, {"lineWidth": 1.5, "areaOpacity": 0.05})


def _areas(panel: Panel) -> Drawn:
    return _over_time(panel, {"lineWidth": 1, "areaOpacity": 0.5, "stack": "all"}, least=0)


def _over_time(panel: Panel, visual: Json, least: float | None = None) -> Drawn:
    axis: Json = {"format": _format(panel.unit), "label": _LABELS.get(panel.unit, "")}
    least = least if panel.least is None else panel.least
    if least is not None:
        axis["min"] = least
    if panel.most is not None:
        axis["max"] = panel.most
    spec: Json = {
        "legend": {"position": "bottom", "mode": "list", "size": "small"},
        "yAxis": axis,
        "visual": {**visual, "connectNulls": False, "showPoints": "auto", "palette": {"mode": "categorical"}},
    }
    # A step of "any at all" is not a line: it would stretch the axis of values that are 0.
    lines = tuple(s for s in panel.steps if s.at is not None and (panel.unit is Unit.SHARE or abs(s.at) >= _LEAST_LINE))
    return Drawn("TimeSeriesChart", {**spec, **_thresholds(lines)})


def _buckets(panel: Panel) -> Drawn:
    """A line for each bucket, by the values a second that are at most its bound."""
    return _over_time(replace(panel, unit=Unit.PER_SECOND, steps=(), least=0, most=None), {"lineWidth": 1})


def _states(panel: Panel) -> Drawn:
    mappings = [
        {"kind": "Value", "spec": {"value": f"{value:g}", "result": {"value": name, "color": COLORS[tone]}}}
        for value, name, tone in panel.states
    ]
    return Drawn("StatusHistoryChart", {"legend": {"position": "right", "mode": "list"}, "mappings": mappings})


def _bars(panel: Panel) -> Drawn:
    spec = {"calculation": "last-number", "format": _format(panel.unit), "sort": "desc", "mode": "value"}
    return Drawn("BarChart", spec)


def _table(panel: Panel) -> Drawn:
    """Rows of all queries with the same labels become one; a column that is not named here is hidden by its query."""
    queries = tuple(query for query in panel.queries if not query.hidden)
    labels = [name for name, _ in panel.labels]
    columns: list[Json] = [
        {"name": name, "header": title, **({"sort": "asc"} if title == panel.sort else {})}
        for name, title in panel.labels
    ]
    transforms: list[Json] = []
    if len(queries) > 1:
        transforms += [{"kind": "MergeIndexedColumns", "spec": {"column": name}} for name in labels]
        transforms.append({"kind": "JoinByColumnValue", "spec": {"columns": labels}})
    for number, query in enumerate(queries, 1):
        name = "value" if len(queries) == 1 else f"value #{number}"
        column: Json = {"name": name, "header": query.title, "align": "right", "enableSorting": True}
        column["format"] = _format(query.unit or panel.unit)
        columns.append({**column, "sort": "desc"} if query.title == panel.sort else column)
    columns.append({"name": "timestamp", "hide": True})
    widths = {"density": "compact", "defaultColumnWidth": "auto"}
    return Drawn("Table", {**widths, "columnSettings": columns, "transforms": transforms}, queries)


def _format(unit: Unit) -> Json:
    return dict(_UNITS.get(unit, _NUMBER))


def _thresholds(steps: tuple[Step, ...]) -> Json:
    if not steps:
        return {}
    made: Json = {"steps": [{"value": step.at, "color": COLORS[step.tone]} for step in steps if step.at is not None]}
    below = next((step for step in steps if step.at is None), None)
    return {"thresholds": {**made, "defaultColor": COLORS[below.tone]} if below else made}


PERSES: Final[Mapping[Draw, Renderer]] = {
    Draw.STAT: _stat,
    Draw.LINES: _lines,
    Draw.AREAS: _areas,
    Draw.HEAT: _buckets,
    Draw.STATES: _states,
    Draw.BARS: _bars,
    Draw.TABLE: _table,
}
"""Each way of drawing, by the plugins of Perses."""
