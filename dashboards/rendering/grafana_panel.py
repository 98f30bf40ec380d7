"""A panel as Grafana's JSON.

In: a `Panel` and its place. Out: its JSON. State: none. How each kind is drawn is decided here, once for all boards.
"""

from collections.abc import Callable, Mapping
from string import ascii_uppercase
from typing import Any, Final

from dashboards.links import with_desk
from dashboards.model import Draw, Link, Panel, Query, Step, Tone
from dashboards.rendering import grafana_table
from dashboards.rendering.grid import Place
from dashboards.rendering.sdk import (
    bargauge,
    common,
    dashboard,
    heatmap,
    plain,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)

DATASOURCE: Final = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
_GAP: Final = 60_000.0
"""Lines go on over a gap of so many milliseconds: at few requests a moment may have none."""
_LAST: Final = ["lastNotNull"]


def panel(panel: Panel, place: Place, number: int) -> dict[str, Any]:
    """Return a panel as Grafana has it; `number` is its id."""
    kind, options, custom = _KINDS[panel.draw](panel)
    defaults = dashboard.FieldConfig(
        unit=panel.unit.value,
        min_val=panel.least,
        max_val=panel.most,
        thresholds=_thresholds(panel.steps),
        color=dashboard.FieldColor(mode=_color(panel)),
        mappings=_mappings(panel),
        no_value=panel.nothing,
        custom=custom,
    )
    rendered: dict[str, Any] = plain(
        dashboard.Panel(
            type_val=kind,
            id_val=number,
            title=panel.title,
            description=panel.description,
            datasource=DATASOURCE,
            grid_pos=dashboard.GridPos(x=place.x, y=place.y, w=place.width, h=place.height),
            targets=[_target(panel, query, ref) for ref, query in refs(panel)],
            options=options,
            field_config=dashboard.FieldConfigSource(defaults=defaults, overrides=_overrides(panel)),
        )
    )
    del rendered["repeatDirection"]  # it is not repeated
    if panel.draw is Draw.TABLE:
        grafana_table.finish(rendered, panel, dict(refs(panel)))
    else:
        rendered["fieldConfig"]["defaults"]["links"] = [link(each) for each in with_desk(panel.links)]
    return rendered


def refs(panel: Panel) -> list[tuple[str, Query]]:
    """Return a panel's queries with the letters by which Grafana names them."""
    return list(zip(ascii_uppercase, panel.queries, strict=False))


def link(link: Link) -> dict[str, Any]:
    """Return a link of a field."""
    return {"title": link.title, "url": link.url, "targetBlank": link.new_tab}


def _target(panel: Panel, query: Query, ref: str) -> prometheus.Dataquery:
    """Return a query: over time, or of the last moment where nothing else is drawn."""
    last = panel.draw in {Draw.TABLE, Draw.BARS} or (panel.draw is Draw.STAT and bool(query.after))
    forms = {Draw.TABLE: prometheus.PromQueryFormat.TABLE, Draw.HEAT: prometheus.PromQueryFormat.HEATMAP}
    legends = {Draw.STAT: query.title or query.legend or panel.title, Draw.HEAT: "{{le}}"}
    return prometheus.Dataquery(
        ref_id=ref,
        datasource=DATASOURCE,
        expr=query.expr,
        legend_format=legends.get(panel.draw, query.legend or query.title or panel.title),
        instant=last,
        range_val=not last,
        exemplar=query.exemplars,
        format_val=forms.get(panel.draw, prometheus.PromQueryFormat.TIME_SERIES),
        editor_mode=prometheus.QueryEditorMode.CODE,
        hide=query.hidden if panel.draw is not Draw.TABLE else None,  # a table needs it for its order
    )


def _thresholds(steps: tuple[Step, ...]) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig(
        mode=dashboard.ThresholdsMode.ABSOLUTE,
        steps=[dashboard.Threshold(step.at, step.tone.value) for step in steps or (Step(None, Tone.PLAIN),)],
    )


def _color(panel: Panel) -> dashboard.FieldColorModeId:
    if panel.draw in {Draw.LINES, Draw.AREAS} or (panel.draw is Draw.BARS and not panel.steps):
        return dashboard.FieldColorModeId.PALETTE_CLASSIC
    return dashboard.FieldColorModeId.THRESHOLDS


def _mappings(panel: Panel) -> list[dashboard.ValueMapping]:
    if not panel.states:
        return []
    results = {
        f"{value:g}": dashboard.ValueMappingResult(text=text, color=tone.value, index=index)
        for index, (value, text, tone) in enumerate(panel.states)
    }
    return [dashboard.ValueMap(options=results)]


def _overrides(panel: Panel) -> list[dashboard.DashboardFieldConfigSourceOverrides]:
    """Return what single queries and series have of their own."""
    if panel.draw is Draw.TABLE:
        return []
    own: list[tuple[str, str, dict[str, object]]] = []
    for ref, query in refs(panel):
        properties: dict[str, object] = {}
        if query.unit:
            properties["unit"] = query.unit.value
        if query.steps:
            properties["thresholds"] = _thresholds(query.steps)
        own.append(("byFrameRefID", ref, properties))
    own += [
        ("byName", name, {"color": dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color=tone.value)})
        for name, tone in panel.tones
    ]
    return [
        dashboard.DashboardFieldConfigSourceOverrides(
            matcher=dashboard.MatcherConfig(id_val=matcher, options=options),
            properties=[dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()],
        )
        for matcher, options, properties in own
        if properties
    ]


_Drawn = tuple[str, object, object]
"""The kind of Grafana's panel, its options, and the options of its fields."""


def _legend() -> common.VizLegendOptions:
    return common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.LIST, placement=common.LegendPlacement.BOTTOM, show_legend=True
    )


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)


def _stat(panel: Panel) -> _Drawn:
    named = len(panel.queries) > 1 or any(query.title or query.legend for query in panel.queries)
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.AREA,
        color_mode=common.BigValueColorMode.VALUE,
        text_mode=common.BigValueTextMode.VALUE_AND_NAME if named else common.BigValueTextMode.VALUE,
        reduce_options=common.ReduceDataOptions(calcs=_LAST),
    )
    return "stat", options, None


def _lines(panel: Panel) -> _Drawn:
    return "timeseries", timeseries.Options(legend=_legend(), tooltip=_tooltip()), _graph(panel)


def _areas(panel: Panel) -> _Drawn:
    custom = _graph(panel)
    custom.line_width, custom.fill_opacity = 1, 60
    custom.stacking = common.StackingConfig(mode=common.StackingMode.NORMAL, group="A")
    return "timeseries", timeseries.Options(legend=_legend(), tooltip=_tooltip()), custom


def _graph(panel: Panel) -> common.GraphFieldConfig:
    style = common.GraphThresholdsStyleMode.DASHED if panel.steps else common.GraphThresholdsStyleMode.OFF
    return common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_width=2,
        fill_opacity=0,
        show_points=common.VisibilityMode.AUTO,
        span_nulls=_GAP,
        axis_soft_min=0,
        thresholds_style=common.GraphThresholdsStyleConfig(mode=style),
    )


def _heat(panel: Panel) -> _Drawn:
    options = heatmap.Options(
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode.SCHEME,
            scheme="Oranges",
            fill="dark-orange",
            scale=heatmap.HeatmapColorScale.EXPONENTIAL,
            exponent=0.5,
            steps=64,
        ),
        filter_values=heatmap.FilterValueRange(le=1e-9),
        show_value=common.VisibilityMode.NEVER,
        y_axis=heatmap.YAxisConfig(unit=panel.unit.value, axis_placement=common.AxisPlacement.LEFT),
        legend=heatmap.HeatmapLegend(show=True),
        tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=True, show_color_scale=True),
        exemplars=heatmap.ExemplarConfig(color="rgba(31,120,255,0.9)"),
    )
    return "heatmap", options, heatmap.FieldConfig()


def _states(_: Panel) -> _Drawn:
    options = statetimeline.Options(
        legend=_legend(), tooltip=_tooltip(), show_value=common.VisibilityMode.AUTO, row_height=0.8
    )
    return "state-timeline", options, statetimeline.FieldConfig(line_width=0, fill_opacity=80)


def _bars(_: Panel) -> _Drawn:
    options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        orientation=common.VizOrientation.HORIZONTAL,
        reduce_options=common.ReduceDataOptions(calcs=_LAST),
        legend=_legend(),
    )
    return "bargauge", options, None


def _table(_: Panel) -> _Drawn:
    options = table.Options(cell_height=common.TableCellHeight.SM)
    options.footer = None  # newer Grafana has it with the columns
    custom = common.TableFieldOptions(
        align=common.FieldTextAlignment.AUTO, cell_options=common.TableAutoCellOptions(), filterable=False
    )
    return "table", options, custom


_KINDS: Final[Mapping[Draw, Callable[[Panel], _Drawn]]] = {
    Draw.STAT: _stat,
    Draw.LINES: _lines,
    Draw.AREAS: _areas,
    Draw.HEAT: _heat,
    Draw.STATES: _states,
    Draw.BARS: _bars,
    Draw.TABLE: _table,
}
