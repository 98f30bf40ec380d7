"""The boards as the desk reads them: `desk/static/boards.json`, from which its view of boards is drawn.

In: the boards. Out: one JSON text. State: none. Queries have recorded series inlined, since the local collector
evaluates no rules. What its store cannot have, since another program measures it, names that program.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import promql_parser as promql

from dashboards.alerts.inlining import inlined
from dashboards.model import Board, Draw, Link, Mark, OnDesk, Panel, Query, Row, Step, Variable

Json = dict[str, Any]

PROGRAMS: Final = {
    "otelcol_": "the Collector", "traces_span_metrics_": "the Collector", "qdrant_": "Qdrant", "up": "Prometheus",
    "scrape_": "Prometheus", "prometheus_": "Prometheus", "alertmanager_": "Alertmanager", "ALERTS": "Prometheus",
}  # fmt: skip
"""Who measures what is not measured by our library: from how the names of its series begin."""
_PLACES: Final = {"$__rate_interval": "1m", "$__range": "1h"}
_LABEL: Final = re.compile(r"\$\{__field\.labels\.(\w+)\}")


def text(boards: tuple[Board, ...]) -> str:
    """Return the file's text."""
    return json.dumps({"boards": [_board(board) for board in boards]}, indent=1, ensure_ascii=False) + "\n"


def _board(board: Board) -> Json:
    return {
        "uid": board.uid,
        "title": board.title,
        "question": board.question,
        "variables": [_variable(variable) for variable in board.variables if not variable.hidden],
        "marks": [_mark(mark) for mark in board.marks if not program_of([mark.expr])],
        "rows": [_row(row, board) for row in board.rows],
    }


def _variable(variable: Variable) -> Json:
    return _without_empty(
        name=variable.name, title=variable.title, label=variable.label, series=variable.series,
        everything=variable.everything, pattern=variable.pattern, first=variable.first,
    )  # fmt: skip


def _mark(mark: Mark) -> Json:
    return _without_empty(
        title=mark.title, expr=inlined(mark.expr), text=mark.text, tone=mark.tone.value, ofTime=mark.value_is_time
    )


def _row(row: Row, board: Board) -> Json:
    return {"title": row.title, "panels": [_panel(panel, board) for panel in row.panels]}


def _panel(panel: Panel, board: Board) -> Json:
    gray = panel.gray_below
    return _without_empty(
        title=panel.title,
        description=panel.description,
        draw=panel.draw.value,
        unit=panel.unit.value,
        width=panel.width,
        height=panel.height,
        least=panel.least,
        most=panel.most,
        nothing=panel.nothing,
        program=program_of([query.expr for query in panel.queries]),
        steps=_steps(panel.steps),
        queries=[_query(panel, query) for query in panel.queries],
        labels=[{"name": name, "title": title} for name, title in panel.labels],
        sort=panel.sort,
        grayBelow=None if gray is None else {"title": gray[0], "value": gray[1]},
        tones={name: tone.value for name, tone in panel.tones},
        states=[{"value": value, "text": name, "tone": tone.value} for value, name, tone in panel.states],
        links=[_link(title, place) for title, place in _places(panel, board)],
    )


def _query(panel: Panel, query: Query) -> Json:
    last = panel.draw in {Draw.TABLE, Draw.BARS} or (panel.draw is Draw.STAT and bool(query.after))
    return _without_empty(
        expr=inlined(query.expr),
        legend=query.legend,
        title=query.title,
        unit=query.unit.value if query.unit else "",
        steps=_steps(query.steps),
        exemplars=query.exemplars,
        hidden=query.hidden,
        after=query.after,
        last=last,
    )


def _steps(steps: tuple[Step, ...]) -> list[Json]:
    return [{"at": step.at, "tone": step.tone.value} for step in steps]


def program_of(expressions: list[str]) -> str:
    """Return the program that measures everything that expressions ask for; empty if any of it may be in the store."""
    programs = {_program(name) for expr in expressions for name in _series(expr)}
    return "" if "" in programs else " and ".join(sorted(programs))


def _program(series: str) -> str:
    return next((program for begin, program in PROGRAMS.items() if _begins(series, begin)), "")


def _begins(series: str, begin: str) -> bool:
    return series.startswith(begin) if begin.endswith("_") else series == begin


def _series(expr: str) -> Iterator[str]:
    for place, duration in _PLACES.items():
        expr = expr.replace(place, duration)
    found: list[str] = []

    def visit(node: Any) -> bool:
        selector = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
        if isinstance(selector, promql.VectorSelector):
            found.append(selector.name or "")
        return True

    promql.walk(promql.parse(expr), visit)
    yield from found


def _places(panel: Panel, board: Board) -> Iterator[tuple[str, OnDesk]]:
    """Yield where a panel leads on the desk: its traces, the summary of their operation, its logs, other boards."""
    summarised = False
    for link in panel.links:
        if link.desk is None:
            continue
        yield _title(link), link.desk
        if not summarised and link.desk.path == "/traces" and (operation := _operation(link.desk, board)):
            rest = tuple(pair for pair in link.desk.query if pair[0] not in {"operation", "filter", "service"})
            yield "Summary", OnDesk("/summary", (("operation", operation), *rest))
            summarised = True


def _operation(place: OnDesk, board: Board) -> str:
    """Return the name of the spans at the entry of the operation that a link is about; empty if it is about none."""
    chosen = dict(place.query)
    found = re.search(r'search\.operation="?(\S+?)"?(?:\s|$)', chosen.get("filter", ""))
    if found:
        return f"/{found[1]}"
    of_board = any(variable.name == "operation" for variable in board.variables)
    return "/$operation" if of_board and "operation" not in chosen else ""


def _title(link: Link) -> str:
    return link.title.replace(" in Jaeger", "")


def _link(title: str, place: OnDesk) -> Json:
    """Return a link; labels of what is pointed at stand as `${label}`."""
    query = {name: _LABEL.sub(r"${\1}", value) for name, value in place.query}
    return _without_empty(title=title, path=place.path, query=query)


def _without_empty(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value or (value == 0 and value is not False)}
