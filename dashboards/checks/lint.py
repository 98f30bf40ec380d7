"""Rules for boards in Grafana's JSON: those of Grafana's dashboard-linter, and ours.

In: a dashboard's JSON. Out: what is wrong, a line each. State: none. The linter itself needs modules that are under the
AGPL, so its rules are written here; the name of its rule stands at each. Two of them are kept otherwise: a flow is
selected by `$namespace`, `$service` and `$version` in place of `job` and `instance`, since people know those; and of
several processes of a version none is special.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from dashboards.checks.promql import labels_in, names, read, selectors
from dashboards.checks.rules import series
from dashboards.model import COLUMNS

Json = dict[str, Any]

_OF_ALL_FLOWS: Final = ("search_critical_path_", "search_transit_", "search_doctor_")
"""Beginnings of series that a collector or the doctor makes of all flows together."""
_UNITLESS: Final = frozenset({"", "none"})
_WINDOW: Final = ("${__from}", "${__url_time_range}", "${__from:date:iso}")
_DRAWN_WITH_LEGEND: Final = frozenset({"timeseries", "state-timeline"})


def lint(dashboard: Json) -> list[str]:
    """Return what is wrong with a dashboard, a line each."""
    title = dashboard.get("title", "?")
    found = [*_board(dashboard)]
    known = series()
    for panel in panels(dashboard):
        found += [f"{panel.get('title') or panel.get('id')}: {wrong}" for rule in _PANEL for wrong in rule(panel)]
        found += [f"{panel.get('title')}: {wrong}" for wrong in _queries(panel, known)]
    return [f"{title}: {wrong}" for wrong in found]


def panels(dashboard: Json) -> list[Json]:
    """Return the panels of a dashboard that ask something."""
    return [panel for panel in dashboard.get("panels", []) if panel.get("type") != "row"]


def _board(dashboard: Json) -> Iterator[str]:
    variables = {variable["name"]: variable for variable in dashboard.get("templating", {}).get("list", [])}
    if dashboard.get("editable") is not False:  # uneditable-dashboard
        yield "can be edited: set editable to false"
    if variables.get("datasource", {}).get("type") != "datasource":  # template-datasource-rule
        yield "has no data source as a variable"
    for name in ("namespace", "service", "version"):  # template-job-rule, template-instance-rule
        if variables.get(name, {}).get("type") != "query":
            yield f"has no variable ${name}"
    for name, variable in variables.items():
        yield from (f"${name} {wrong}" for wrong in _variable(variable))
    if dashboard.get("schemaVersion") != 42:
        yield "is not of schema 42"
    if (dashboard.get("time"), dashboard.get("refresh")) != ({"from": "now-1h", "to": "now"}, "10s"):
        yield "does not show the last hour, refreshed every 10 s"
    if dashboard.get("graphTooltip") != 1:
        yield "has no shared crosshair"
    if {mark["name"] for mark in dashboard["annotations"]["list"]} < {"Firing alerts", "New versions"}:
        yield "does not mark firing alerts and new versions"
    yield from _unique(dashboard)
    yield from _places(dashboard)
    yield from _unused(dashboard, set(variables))


def _variable(variable: Json) -> Iterator[str]:
    if not variable.get("label"):
        yield "has no label"
    if variable.get("type") != "query":
        return
    if variable.get("refresh") != 2:  # template-on-time-change-reload-rule
        yield "is not asked for again when the time changes"
    if (variable.get("datasource") or {}).get("uid") != "${datasource}":
        yield "does not ask the chosen data source"
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])  # template-label-promql-rule
    if not asked:
        yield "does not ask for the values of a label"
        return
    answer = read(asked[1], series())
    yield from answer.wrong
    if asked[2] not in answer.labels:
        yield f"asks for the label {asked[2]}, which the series do not have"


def _unique(dashboard: Json) -> Iterator[str]:
    every = dashboard.get("panels", [])
    ids = [panel.get("id") for panel in every]
    if None in ids or len(set(ids)) < len(ids):
        yield "has panels without an id of their own"
    titles = [panel.get("title") for panel in panels(dashboard)]
    yield from (f"has two panels called {title}" for title in sorted({t for t in titles if t and titles.count(t) > 1}))


def _places(dashboard: Json) -> Iterator[str]:
    """Find panels that stand outside of the grid, or on each other, and gaps between them."""
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard.get("panels", []):
        place = panel["gridPos"]
        if place["x"] + place["w"] > COLUMNS:
            yield f"{panel['title']} is wider than the board"
        cells = [(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])]
        on = {taken[cell] for cell in cells if cell in taken}
        yield from (f"{panel['title']} stands on {other}" for other in sorted(on))
        taken |= dict.fromkeys(cells, panel["title"])
    gaps = {y for _, y in taken if any((x, y) not in taken for x in range(COLUMNS))}
    yield from (f"has a gap beside {title}" for title in sorted({taken[0, y] for y in gaps if (0, y) in taken}))


def _unused(dashboard: Json, variables: set[str]) -> Iterator[str]:
    text = str({key: value for key, value in dashboard.items() if key != "templating"})
    text += str([[each.get("query"), each.get("datasource")] for each in dashboard["templating"]["list"]])
    yield from (
        f"${name} is not used" for name in sorted(variables) if not re.search(rf"\$(?:{name}\b|\{{{name}[}}:])", text)
    )


def _described(panel: Json) -> Iterator[str]:
    """panel-title-description-rule."""
    if not panel.get("title"):
        yield "has no title"
    description = panel.get("description") or ""
    if len(description.split()) < 8:
        yield "is not described: what is shown, and what to do when it is bad"
    elif not description.endswith("."):
        yield "has a description that does not end as a sentence"


def _sourced(panel: Json) -> Iterator[str]:
    """panel-datasource-rule, of the panel and of each of its targets; panel-no-targets-rule."""
    asked = [panel, *panel.get("targets", [])]
    if any((each.get("datasource") or {}).get("uid") != "${datasource}" for each in asked):
        yield "does not ask the chosen data source"
    if not panel.get("targets"):
        yield "asks nothing"
    refs = [target.get("refId") for target in panel.get("targets", [])]
    if None in refs or len(set(refs)) < len(refs):
        yield "has targets without a refId of their own"


def _measured(panel: Json) -> Iterator[str]:
    """panel-units-rule: of the panel, or of each column; and what is shown where there is no value."""
    defaults = panel["fieldConfig"]["defaults"]
    if defaults.get("unit") in _UNITLESS and not (defaults.get("mappings") or defaults.get("unit") == "none"):
        yield "has no unit"
    if not defaults.get("noValue"):
        yield "does not say what is shown in place of a value"
    steps = defaults.get("thresholds", {}).get("steps", [])
    values = [step["value"] for step in steps]
    if not steps or values[0] is not None or values[1:] != sorted(values[1:]):
        yield "has thresholds that do not rise"


def _named(panel: Json) -> Iterator[str]:
    """Each series has a name that people read, in a legend that is visible."""
    if panel["type"] in _DRAWN_WITH_LEGEND and not panel["options"].get("legend", {}).get("showLegend"):
        yield "hides its legend"
    if panel["type"] != "table" and not all(target.get("legendFormat") for target in panel["targets"]):
        yield "has series without a name"


def _linked(panel: Json) -> Iterator[str]:
    """Each link carries the time that is shown; it opens something."""
    links = list(panel["fieldConfig"]["defaults"].get("links", []))
    for override in panel["fieldConfig"].get("overrides", []):
        links += [link for each in override["properties"] if each["id"] == "links" for link in each["value"]]
    if not links:
        yield "leads nowhere: it has no link"
    urls = " ".join(link["url"] for link in links)
    if "${jaeger}" in urls and ("${sentry}" not in urls or "/explore" not in urls):
        yield "leads to traces in Jaeger, but not to logs and to Sentry"
    for link in links:
        if not link["title"] or not re.match(r"/|\$\{(?:jaeger|sentry|desk)\}", link["url"]):
            yield f"has a link to nowhere: {link['title']}"
        if not any(re.sub("%3A", ":", place) in link["url"] for place in _WINDOW):
            yield f"has a link without the time that is shown: {link['title']}"


_PANEL: Final[tuple[Callable[[Json], Iterator[str]], ...]] = (
    _described, _sourced, _measured, _named, _linked,
)  # fmt: skip


def _queries(panel: Json, known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Find what is wrong with a panel's queries, and with labels in names and links."""
    labels: frozenset[str] = frozenset()
    for target in panel["targets"]:
        answer = read(target["expr"], known)
        yield from answer.wrong  # target-promql-rule
        if any("does not parse" in wrong for wrong in answer.wrong):
            continue
        labels |= answer.labels
        heat = {"le"} if target.get("format") == "heatmap" else set()
        missing = labels_in(target.get("legendFormat") or "") - answer.labels - heat
        yield from (f"names a series by the label {label}, which it does not have" for label in sorted(missing))
        yield from _query(target["expr"])
        if target.get("exemplar") and target.get("instant"):
            yield "asks for exemplars of one moment"
        if target.get("format") == "table" and answer.labels != labels:
            yield "has columns whose rows have other labels"
    missing = labels_in(str(panel["fieldConfig"])) - labels
    yield from (f"links by the label {label}, which the answer does not have" for label in sorted(missing))


def _query(expr: str) -> Iterator[str]:
    bare = re.sub(r"\{[^}]*\}", "", re.sub(r'"[^"]*"', "", expr))
    for window in re.findall(r"\brate\([^\[]*\[([^\]]+)\]", bare):  # target-rate-interval-rule
        if window not in {"$__rate_interval", "$__range", "5m"}:
            yield f"has a rate over {window}: take $__rate_interval"
    if re.search(r"\birate\(|\bidelta\(", expr):
        yield "uses irate or idelta: take rate, which uses all samples of its window"
    if re.search(r"\bavg(?:_over_time)?\b[^(]*\((?:[^()]|\()*histogram_quantile", expr):
        yield "averages percentiles"
    for selector in selectors(expr):
        for name in names(selector, series()):
            if not name.startswith("search_") or name.startswith(_OF_ALL_FLOWS):
                continue
            matched = {matcher.name for matcher in selector.matchers.matchers}
            joined = re.search(rf"on \([^)]*\bjob\b[^)]*\) {name}\b", expr)
            if "job" not in matched and not joined:  # target-job-rule
                yield f"asks for {name} of all flows"
    yield from _counters(bare)


def _counters(bare: str) -> Iterator[str]:
    """target-counter-agg-rule: a counter is asked for as a rate, or as an increase, or for who has it."""
    for counter in re.findall(r"\b\w+_(?:total|bucket|count|sum)\b", bare):
        rated = rf"\b(?:rate|increase|resets|changes)\(\s*{counter}\b"
        had = rf"^(?:count|group)\b|\btimestamp\({counter}\b"
        if not re.search(f"{rated}|{had}", bare):
            yield f"shows the counter {counter} itself, not its rate"
