"""Figures as a table, or as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.engine.environments import Environment
from benchmarks.engine.rows import COLUMNS, OURS, SDK, Row
from benchmarks.engine.runner import Figures

NAMES = {OURS: "ours", SDK: "OTel SDK", "sentry": "sentry-sdk"}


def show(
    rows: Sequence[Row],
    figures: Figures,
    libraries: Mapping[str, Environment],
    console: Console,
    *,
    markdown: bool = False,
) -> None:
    """Print medians, a library a column with its version, and ours as a multiple of the SDK's."""
    columns = [column for column in COLUMNS if column in libraries]
    table, between = Table(box=box.MARKDOWN if markdown else None), " " if markdown else "\n"
    for _ in ("title", "unit"):
        table.add_column(no_wrap=True)
    for column in columns:
        table.add_column(
            f"{NAMES.get(column, column)}{between}{libraries[column].version}", justify="right", no_wrap=True
        )
    if SDK in columns:
        table.add_column(f"ours ÷{between}SDK", justify="right", no_wrap=True)
    for row in rows:
        medians = [figures.median(row, column) for column in columns]
        shares = [_share(medians[0], medians[columns.index(SDK)])] if SDK in columns else []
        table.add_row(row.title, row.unit, *map(number, medians), *shares)
    wide = console.measure(table, options=console.options.update(width=1000)).maximum
    console.width = max(console.width, wide)  # rather wrapped by a narrow terminal than without digits
    console.print(table)


def as_json(rows: Sequence[Row], figures: Figures, libraries: Mapping[str, Environment]) -> dict[str, Any]:
    """Return the same with the figure of each launch."""
    return {
        "versions": {library: environment.version for library, environment in libraries.items()},
        "rows": {
            row.name: {
                "title": row.title,
                "unit": row.unit,
                "figures": {
                    library: {"median": figures.median(row, library), "launches": figures.all(row, library)}
                    for library in libraries
                    if figures.all(row, library)
                },
            }
            for row in rows
        },
        "failures": figures.failures,
    }


def number(value: float | None) -> str:
    """Write a figure with three digits, and none after the point from a hundred on."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.1f}" if abs(value) >= 9.95 else f"{value:.2f}"


def _share(ours: float | None, theirs: float | None) -> str:
    return "" if ours is None or not theirs else f"{ours / theirs:.2f}"
