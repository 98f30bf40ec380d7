"""Lists as tables: services with their operations, traces, metrics.

In: rows as the API gives them, a console. Out: tables to print. State: none.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich import box
from rich.console import Console, JustifyMethod, OverflowMethod
from rich.table import Table
from rich.text import Text

from collector.local.render_text import UNICODE, clean, glyphs_for
from collector.local.render_units import age, count, duration, percent

Json = Mapping[str, Any]
_ELLIPSIS: OverflowMethod = "ellipsis"
_CROP: OverflowMethod = "crop"


def services_table(operations: Sequence[Json], console: Console) -> Table:
    """Every operation under its service, with rate, errors and percentiles."""
    micro = glyphs_for(console).micro
    rate_title = [">per s"] if console.width >= 100 else []
    result = table(console, "operation", "<kind", ">count", *rate_title, ">errors", ">p50", ">p95", ">p99")
    for service, rows in groupby(operations, lambda row: str(row["service"])):
        result.add_row(cell(service, console, "bold"))
        for row in rows:
            failed = row["error_ratio"] > 0
            result.add_row(
                cell(f"  {row['operation']}", console),
                cell(row["kind"], console, "dim"),
                Text(count(row["count"])),
                *(Text(f"{row['rate']:.3g}", "dim") for _ in rate_title),
                Text(percent(row["error_ratio"]), "bold red" if failed else "dim"),
                *(Text(duration(row[f"{name}_ns"], micro)) for name in ("p50", "p95", "p99")),
            )
    return result


def traces_table(traces: Sequence[Json], console: Console, now_unix_ns: int) -> Table:
    """Traces, latest first; ids short enough to type, long enough to be unique here."""
    glyphs = glyphs_for(console)
    result = table(console, "<trace", "operation", "service", ">time", ">spans", ">errors", ">age")
    length = _unique_length([row["trace_id"] for row in traces])
    for row in traces:
        errors = f"{glyphs.error} {row['error_count']}" if row["error_count"] else ""
        result.add_row(
            Text(row["trace_id"][:length], "cyan"),
            cell(row["root_operation"], console, "bold"),
            cell(row["root_service"], console),
            Text(duration(row["duration_ns"], glyphs.micro)),
            Text(count(row["span_count"])),
            Text(errors, "bold red"),
            Text(age(now_unix_ns - row["start_unix_ns"]), "dim"),
        )
    return result


def metrics_table(metrics: Sequence[Json], console: Console, now_unix_ns: int) -> Table:
    """Metrics by name."""
    services_title = ["services"] if console.width >= 100 else []
    result = table(console, "<metric", "type", "unit", ">series", ">points", *services_title, ">age")
    for row in metrics:
        result.add_row(
            cell(row["name"], console, "bold"),
            Text(row["type"].replace("_", " ")),
            cell(row["unit"], console, "dim"),
            Text(count(row["series_count"])),
            Text(count(row["point_count"])),
            *(cell(", ".join(row["services"]), console) for _ in services_title),
            Text(age(now_unix_ns - row["last_unix_ns"]), "dim"),
        )
    return result


def table(console: Console, *titles: str) -> Table:
    """A table with light lines.

    A column whose title begins with `<` or `>` is set to that side and never cut. The others give way.
    """
    is_unicode = glyphs_for(console) is UNICODE
    lines, cut = (box.SIMPLE_HEAD, _ELLIPSIS) if is_unicode else (box.ASCII2, _CROP)
    result = Table(box=lines, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", show_edge=False)
    for title in titles:
        side: JustifyMethod = "right" if title.startswith(">") else "left"
        result.add_column(title.lstrip("<>"), justify=side, no_wrap=title[:1] in {"<", ">"}, overflow=cut)
    return result


def cell(text: Any, console: Console, style: str = "") -> Text:
    """Text from outside as a cell of a table: in one line, cut where the column ends."""
    cut = _ELLIPSIS if glyphs_for(console) is UNICODE else _CROP
    return Text(clean(text, console.encoding), style, overflow=cut, no_wrap=True)


def _unique_length(ids: Sequence[str], at_least: int = 8) -> int:
    length = at_least
    while length < 32 and len({name[:length] for name in ids}) < len(set(ids)):
        length += 1
    return length
