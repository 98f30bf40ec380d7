"""Draws lists as tables: services with their operations, traces, metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod, OverflowMethod
from rich.table import Table
from rich.text import Text

from collector.local.render.text import UNICODE, clean, glyphs_for
from collector.local.render.units import UNKNOWN, age, clock, count, duration, percent

Json = Mapping[str, Any]
_ELLIPSIS: OverflowMethod = "ellipsis"
_CROP: OverflowMethod = "crop"
_BETWEEN, _FILLED = 2, 48


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    title: str
    is_number: bool = False
    least: int | None = None
    """It may shrink to this many cells; None: it is never cut."""
    rank: int = 0
    """If there is no room for all columns, those of the highest rank are left out; 0: never."""
    width: int | None = None
    """A fixed number of cells, so that later rows are aligned."""
    fills: bool = False
    """It takes the remaining cells, up to `_FILLED`."""


def services_table(operations: Sequence[Json], console: Console) -> Table:
    """All operations, by service, with rate, errors and percentiles."""
    micro = glyphs_for(console).micro
    rate = [Column("per s", is_number=True, rank=5)] if console.width >= 100 else []
    columns = [
        Column("operation", least=12),
        Column("kind", rank=4),
        Column("count", is_number=True, rank=2),
        *rate,
        Column("errors", is_number=True),
        Column("p50", is_number=True),
        Column("p95", is_number=True, rank=1),
        Column("p99", is_number=True, rank=3),
    ]
    rows: list[list[Text]] = []
    for service, of_service in groupby(operations, lambda row: str(row["service"])):
        rows.append([cell(service, console, "bold")])
        for row in of_service:
            failed = row["error_ratio"] > 0
            times = (row[f"{name}_ns"] for name in ("p50", "p95", "p99"))
            rows.append(
                [
                    cell(f"  {row['operation']}", console),
                    cell(row["kind"], console, "dim"),
                    Text(count(row["count"])),
                    *(Text(f"{row['rate']:.3g}", "dim") for _ in rate),
                    Text(percent(row["error_ratio"]), "bold red" if failed else "dim"),
                    *(Text("-", "dim") if time is None else Text(duration(time, micro)) for time in times),
                ]
            )
    return table(console, columns, rows)


def traces_table(traces: Sequence[Json], console: Console, now_unix_ns: int) -> Table:
    """Traces, latest first; ids are shortened as far as they are unique."""
    length = _unique_length([row["trace_id"] for row in traces])
    columns = [
        Column("trace"),
        Column("operation", least=12),
        Column("service", least=7, rank=3),
        Column("time", is_number=True),
        Column("spans", is_number=True, rank=4),
        Column("errors", is_number=True, rank=1),
        Column("age", is_number=True, rank=2),
    ]
    rows = [
        [
            *_trace_cells(row, console, length),
            Text(age(now_unix_ns - row["start_unix_ns"]) if row["start_unix_ns"] else UNKNOWN, "dim"),
        ]
        for row in traces
    ]
    return table(console, columns, rows)


_SIGNS = {"=": "=", "≥": ">=", "<": "<"}


def shared_table(shared: Sequence[Json], console: Console) -> Table:
    """What matching traces share: how many of them have an attribute, and how many of the others."""
    matching, others = (shared[0][name] for name in ("of_matching", "of_others")) if shared else (0, 0)
    columns = [
        Column("attribute", least=16),
        Column("services", least=12, rank=1),
        Column(f"of {count(matching)} matching", is_number=True),
        Column(f"of {count(others)} others" if others else "no others", is_number=True),
    ]
    rows = [
        [
            cell(f"{row['key']}{_SIGNS[row['sign']]}{row['value']}", console, "bold"),
            cell(", ".join(row["services"]), console),
            Text(percent(row["matching"] / max(matching, 1))),
            Text(percent(row["others"] / others) if others else "–", "dim"),
        ]
        for row in shared
    ]
    return table(console, columns, rows)


def ended_traces_table(traces: Sequence[Json], console: Console, *, heads: bool) -> Table:
    """Traces as they end, earliest first: a part of a growing table, with titles in the first part."""
    columns = [
        Column("ended", width=8, rank=2),
        Column("trace", width=8),
        Column("operation", least=12, fills=True),
        Column("service", width=14, rank=3),
        Column("time", is_number=True, width=8),
        Column("spans", is_number=True, width=5, rank=4),
        Column("errors", is_number=True, width=6, rank=1),
    ]
    rows = [
        [
            Text(clock(row["start_unix_ns"] + row["duration_ns"]), "dim"),
            *_trace_cells(row, console, 8),
        ]
        for row in traces
    ]
    return table(console, columns, rows, heads=heads)


def _trace_cells(row: Json, console: Console, length: int) -> list[Text]:
    glyphs = glyphs_for(console)
    errors = f"{glyphs.error} {row['error_count']}" if row["error_count"] else ""
    return [
        Text(row["trace_id"][:length], "cyan"),
        cell(row["root_operation"], console, "bold"),
        cell(row["root_service"], console),
        _lasted(row, glyphs.micro),
        Text(count(row["span_count"])),
        Text(errors, "bold red"),
    ]


def _lasted(row: Json, micro: str) -> Text:
    """The duration of a trace; `>` if it has spans that have not ended."""
    text = duration(row["duration_ns"], micro)
    if row["open_count"]:
        return Text(f">{text}" if row["duration_ns"] else "open", "yellow")
    if row["untimed_count"] and not row["duration_ns"]:
        return Text(UNKNOWN, "yellow")
    return Text(text)


def metrics_table(metrics: Sequence[Json], console: Console, now_unix_ns: int) -> Table:
    """Metrics by name."""
    services = [Column("services", least=12, rank=4)] if console.width >= 100 else []
    columns = [
        Column("metric", least=14),
        Column("type", least=9, rank=1),
        Column("unit", least=4, rank=3),
        Column("series", is_number=True, rank=5),
        Column("points", is_number=True, rank=6),
        *services,
        Column("age", is_number=True, rank=2),
    ]
    rows = [
        [
            cell(row["name"], console, "bold"),
            cell(row["type"].replace("_", " "), console),
            cell(row["unit"], console, "dim"),
            Text(count(row["series_count"])),
            Text(count(row["point_count"])),
            *(cell(", ".join(row["services"]), console) for _ in services),
            Text(age(now_unix_ns - row["last_unix_ns"]), "dim"),
        ]
        for row in metrics
    ]
    return table(console, columns, rows)


def table(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[Text]], *, heads: bool = True) -> Table:
    """A table, at most as wide as the console. A row of one cell is a heading."""
    is_unicode = glyphs_for(console) is UNICODE
    lines, cut = (box.SIMPLE_HEAD, _ELLIPSIS) if is_unicode else (box.ASCII2, _CROP)
    places, left = _places(columns, rows, console.width)
    result = Table(
        box=lines, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", show_edge=False, show_header=heads
    )
    for place in places:
        column = columns[place]
        side: JustifyMethod = "right" if column.is_number else "left"
        width = min(_FILLED, left) if column.fills else column.width
        result.add_column(column.title, justify=side, no_wrap=column.least is None, overflow=cut, width=width)
    for row in rows:
        result.add_row(*(row[place] for place in places if place < len(row)))
    return result


def _places(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> tuple[list[int], int]:
    """The columns that fit, and the cells for the one that takes the rest."""

    def needed(place: int) -> int:
        column = columns[place]
        if column.width is not None:
            return column.width
        widest = max([cell_len(column.title), *(row[place].cell_len for row in rows if 1 < len(row) > place)])
        least = widest if column.least is None else column.least
        return least if column.fills else min(widest, least)

    widths = {place: needed(place) for place in range(len(columns))}
    while (used := sum(widths.values()) + _BETWEEN * (len(widths) - 1)) > width:
        least = max(widths, key=lambda place: columns[place].rank)
        if not columns[least].rank:
            break
        del widths[least]
    filled = sum(widths[place] for place in widths if columns[place].fills)
    return list(widths), max(filled, filled + width - used)


def cell(text: Any, console: Console, style: str = "") -> Text:
    """Text as a cell of a table: in one line, cut at the end of the column."""
    cut = _ELLIPSIS if glyphs_for(console) is UNICODE else _CROP
    return Text(clean(text, console.encoding), style, overflow=cut, no_wrap=True)


def _unique_length(ids: Sequence[str], at_least: int = 8) -> int:
    length = at_least
    while length < 32 and len({name[:length] for name in ids}) < len(set(ids)):
        length += 1
    return length
