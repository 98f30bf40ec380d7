"""The boards and alerts for Sentry keep its rules and ours, and name only what spans and records have."""

import re

import pytest
from sentry_conventions.attributes import ATTRIBUTE_METADATA

from dashboards.rendering.sentry import alert, board
from dashboards.sentry import fields
from dashboards.sentry.alerts import ALERTS
from dashboards.sentry.boards import BOARDS
from dashboards.sentry.model import COLUMNS, Dataset, SentryBoard, Show, Widget
from telemetry import conventions as c

WIDGETS = [pytest.param(widget, id=f"{made.name}: {widget.title}") for made in BOARDS for widget in made.widgets]
SPAN_AGGREGATES = {"count", "count_unique", "sum", "avg", "p50", "p75", "p90", "p95", "p99", "p100", "min", "max"}
"""Those of Sentry that its pages draw, and that have one field."""
AGGREGATE = re.compile(r"(\w+)\((.*)\)")
TYPED = re.compile(r"tags\[([\w.]+),(number|boolean)\]")


def named(widget: Widget) -> set[str]:
    """Every field that a widget names, without those of a condition's value."""
    where = [word.lstrip("!") for word in widget.where.split()]
    keys = {word.removeprefix("has:") if word.startswith("has:") else key(word) for word in where}
    inner = {found[2] for value in widget.values if (found := AGGREGATE.fullmatch(value))}
    return (keys | inner | set(widget.by)) - {""}


def key(word: str) -> str:
    typed = TYPED.match(word)
    return typed[0] if typed else word.partition(":")[0]


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_names_only_what_there_is(widget: Widget) -> None:
    """A field is an attribute of ours, with its type; of Sentry's conventions, and not deprecated; or a column."""
    ours = {fields.field(attribute) for attribute in c.ATTRIBUTES}
    known = ours | {fields.ERROR_SERVICE} | set(fields.ATTRIBUTES_OF_SENTRY) | fields.COLUMNS_OF_SENTRY
    assert named(widget) - known == set()


def test_fields_of_sentry_are_in_its_conventions() -> None:
    """The conventions have the names that stand for Sentry's fields, none deprecated, and our types of others."""
    for name in fields.ATTRIBUTES_OF_SENTRY.values():
        assert ATTRIBUTE_METADATA[name].deprecation is None, name
    types = {"int": {"integer", "double"}, "double": {"double"}, "string": {"string"}, "boolean": {"boolean"}}
    shared = [attribute for attribute in c.ATTRIBUTES if attribute.name in ATTRIBUTE_METADATA]
    assert c.DB_COLLECTION_NAME in shared
    for attribute in shared:
        if attribute.type in types:
            assert ATTRIBUTE_METADATA[attribute.name].type.value in types[attribute.type], attribute.name


@pytest.mark.parametrize("widget", WIDGETS)
def test_a_widget_keeps_the_rules(widget: Widget) -> None:
    """Of spans it asks no aggregate that they lack, no `is_transaction`; a sort is one of its columns; texts fit."""
    functions = [found and found[1] for found in map(AGGREGATE.fullmatch, widget.values)]
    assert set(functions) <= SPAN_AGGREGATES
    assert "is_transaction" not in widget.where
    assert widget.sort.lstrip("-") in {"", *widget.values, *widget.by}
    assert widget.description.endswith((".", "values."))
    assert len(widget.description) <= 255
    assert 1 <= widget.width <= COLUMNS
    grouped = widget.show in {Show.LINES, Show.AREAS} and widget.by
    assert not grouped or widget.sort, "a chart by groups needs an order: Sentry draws the first ones only"
    assert widget.values or widget.show is Show.TABLE


@pytest.mark.parametrize("widget", WIDGETS)
def test_what_counts_spans_says_that_they_are_kept_traces(widget: Widget) -> None:
    """Its title says so, or that of its column; its description says that Grafana has the totals."""
    if widget.dataset is Dataset.SPANS and fields.COUNT in widget.values:
        assert "kept traces" in widget.title.lower()
        assert "Grafana" in widget.description


@pytest.mark.parametrize("made", BOARDS, ids=lambda made: made.name)
def test_widgets_do_not_overlap_and_fill_their_rows(made: SentryBoard) -> None:
    """Each place of the grid has one widget at most, titles differ, and rows have 6 columns."""
    places: list[tuple[int, int]] = []
    for widget in board(made)["widgets"]:  # type: ignore[attr-defined]
        layout = widget["layout"]
        assert layout["x"] + layout["w"] <= COLUMNS
        places += [(layout["x"] + x, layout["y"] + y) for x in range(layout["w"]) for y in range(layout["h"])]
    assert len(places) == len(set(places)) == COLUMNS * (1 + max(y for _, y in places))
    assert len({widget.title for widget in made.widgets}) == len(made.widgets)


def test_a_slow_search_is_alerted_on_by_the_entry_alone() -> None:
    """The monitor counts one span for each request, in milliseconds, and resolves at its limit."""
    (slow,) = [made for made in ALERTS if made.monitor]
    assert slow.monitor
    assert slow.monitor.where == f"{fields.ENTRY} search.operation:search"
    monitor = alert(slow)["monitor"]
    assert isinstance(monitor, dict)
    assert [(each["type"], each["comparison"]) for each in monitor["conditionGroup"]["conditions"]] == [
        ("gt", slow.monitor.above),
        ("lte", slow.monitor.above),
    ]
    assert slow.monitor.above / 1000 in c.SECONDS
