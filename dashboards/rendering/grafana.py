"""A board as Grafana's classic JSON (schema 42), which can be imported into Grafana 11 to 13.

In: a `Board`. Out: its JSON, the same for the same board, whoever imports it: data sources are a variable. State: none.
"""

import json
from typing import Any, Final

from dashboards.links import with_desk
from dashboards.model import Board, Mark, Row, Text, Tone, Variable
from dashboards.rendering.grafana_panel import DATASOURCE, panel
from dashboards.rendering.grid import Place, places
from dashboards.rendering.sdk import dashboard as sdk
from dashboards.rendering.sdk import plain

SCHEMA: Final = 42
TAG: Final = "search-telemetry"
"""The tag of every board: each links to all others by it."""
_ALL: Final = sdk.VariableOption(selected=True, text=["All"], value=["$__all"])


def render(board: Board) -> str:
    """Return a board's JSON."""
    return json.dumps(dashboard(board), indent=2, ensure_ascii=False) + "\n"


def dashboard(board: Board) -> dict[str, Any]:
    """Return a board as Grafana has it; what only links need is there if they need it."""
    urls = " ".join(link.url for panel in board.panels for link in with_desk(panel.links))
    variables = [
        _datasource(),
        *(_variable(each) for each in board.variables if not each.hidden or f"${{{each.name}}}" in urls),
        *(_text(each) for each in board.texts if f"${{{each.name}}}" in urls),
    ]
    rendered: dict[str, Any] = plain(
        sdk.Dashboard(
            uid=board.uid,
            title=board.title,
            description=board.question,
            tags=[TAG],
            editable=False,
            graph_tooltip=sdk.DashboardCursorSync.CROSSHAIR,
            time=sdk.DashboardDashboardTime(from_val="now-1h", to="now"),
            refresh="10s",
            schema_version=SCHEMA,
            templating=sdk.DashboardDashboardTemplating(list_val=variables),
            annotations=sdk.AnnotationContainer(list_val=[_annotation(mark) for mark in board.marks]),
        )
    )
    for variable in rendered["templating"]["list"]:  # of variables that are intervals
        for key in ("auto", "auto_min", "auto_count"):
            del variable[key]
    rendered["links"] = [_other_boards()]
    rendered["panels"] = [
        _row(what, place, number) if isinstance(what, Row) else panel(what, place, number)
        for number, (what, place) in enumerate(places(board), start=1)
    ]
    return rendered


def _row(row: Row, place: Place, number: int) -> dict[str, Any]:
    position = sdk.GridPos(x=place.x, y=place.y, w=place.width, h=place.height)
    rendered: dict[str, Any] = plain(sdk.RowPanel(id_val=number, title=row.title, grid_pos=position))
    return rendered


def _datasource() -> sdk.VariableModel:
    """Return the choice of a data source: that of our provisioning, where it is there."""
    return sdk.VariableModel(
        type_val=sdk.VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        query="prometheus",
        regex="",
        current=sdk.VariableOption(selected=True, text="Prometheus", value="prometheus"),
        refresh=sdk.VariableRefresh.ON_DASHBOARD_LOAD,
    )


def _variable(variable: Variable) -> sdk.VariableModel:
    query = f"label_values({variable.series}, {variable.label})"
    first = sdk.VariableOption(selected=True, text=[variable.first], value=[variable.first])
    model = sdk.VariableModel(
        type_val=sdk.VariableType.QUERY,
        name=variable.name,
        label=variable.title,
        hide=sdk.VariableHide.HIDE_VARIABLE if variable.hidden else sdk.VariableHide.DONT_HIDE,
        query={"qryType": 1, "query": query, "refId": f"variable-{variable.name}"},
        datasource=DATASOURCE,
        regex=f"/{variable.pattern.replace('/', chr(92) + '/')}/" if variable.pattern else "",
        multi=variable.several,
        include_all=variable.several,
        refresh=sdk.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=sdk.VariableSort.ALPHABETICAL_ASC,
    )
    if variable.several:
        model.all_value = variable.everything
        model.current = first if variable.first else _ALL
    return model


def _text(text: Text) -> sdk.VariableModel:
    return sdk.VariableModel(
        type_val=sdk.VariableType.TEXTBOX,
        name=text.name,
        label=text.title,
        description=text.description,
        query=text.value,
        current=sdk.VariableOption(selected=True, text=text.value, value=text.value),
    )


def _annotation(mark: Mark) -> sdk.AnnotationQuery:
    return sdk.AnnotationQuery(
        name=mark.title,
        datasource=DATASOURCE,
        enable=True,
        icon_color=mark.tone.value if mark.tone is not Tone.PLAIN else "blue",
        expr=f"1000 * ({mark.expr})" if mark.value_is_time else mark.expr,  # Grafana wants milliseconds
        title_format=mark.title,
        text_format=mark.text,
        tag_keys=",".join(mark.labels),
        use_value_for_time=mark.value_is_time,
    )


def _other_boards() -> dict[str, Any]:
    """Return the links to all boards of ours, with the chosen flow and time."""
    return {
        "title": "Boards",
        "type": "dashboards",
        "icon": "external link",
        "tooltip": "",
        "tags": [TAG],
        "asDropdown": False,
        "targetBlank": False,
        "includeVars": True,
        "keepTime": True,
    }
