"""Panels that the preview's page draws by itself, since Perses' would not show what they are for.

In: a panel. Out: the plugin of the page that draws it, with its spec (`page/src/panels`). State: none.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from dashboards.model import Draw, Link, Panel, Query, Step
from dashboards.rendering.perses import PERSES, Drawn, Renderer


def _stat(panel: Panel) -> Drawn:
    """All values, also those with a unit of their own, and the tone of each."""
    columns = [_column(panel, query) for query in panel.queries]
    return Drawn("SearchStat", {"columns": columns, "nothing": panel.nothing})


def _table(panel: Panel) -> Drawn:
    """Tones of each column's values, gray rows, and an order by any column."""
    gray = panel.gray_below
    return Drawn(
        "SearchTable",
        {
            "labels": [{"name": name, "title": title} for name, title in panel.labels],
            "columns": [_column(panel, query) for query in panel.queries],
            "sort": panel.sort,
            "grayBelow": None if gray is None else {"title": gray[0], "value": gray[1]},
            "nothing": panel.nothing,
        },
    )


def _heat(panel: Panel) -> Drawn:
    """A heat map of the buckets."""
    return Drawn("SearchHeat", {"unit": panel.unit.value})


def _states(panel: Panel) -> Drawn:
    """An area for each time without a change, where Perses draws a cell for each moment, with a white border."""
    states = [{"value": value, "name": name, "tone": tone.value} for value, name, tone in panel.states]
    return Drawn("SearchStates", {"states": states})


def _linked(renderer: Renderer) -> Renderer:
    """The same, with links from the panel, or from the rows of a table."""

    def render(panel: Panel) -> Drawn:
        drawn = renderer(panel)
        return replace(drawn, spec={**drawn.spec, "links": [_link(link) for link in panel.links]})

    return render


_DRAWN: Final[Mapping[Draw, Renderer]] = {
    **PERSES,
    Draw.STAT: _stat,
    Draw.TABLE: _table,
    Draw.HEAT: _heat,
    Draw.STATES: _states,
}
OWN: Final[Mapping[Draw, Renderer]] = {draw: _linked(renderer) for draw, renderer in _DRAWN.items()}
"""From the way in which a panel is drawn to what the page draws it by."""


def _column(panel: Panel, query: Query) -> dict[str, Any]:
    return {
        "title": query.title,
        "unit": (query.unit or panel.unit).value,
        "steps": [_step(step) for step in query.steps or panel.steps],
        "hidden": query.hidden,
        "main": query.unit is None and not query.after,
    }


def _step(step: Step) -> dict[str, Any]:
    return {"at": step.at, "tone": step.tone.value}


def _link(link: Link) -> dict[str, Any]:
    return {"title": link.title, "url": link.url, "newTab": link.new_tab}
