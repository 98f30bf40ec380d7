"""The JSON of small traces, made by hand, and the picture of a trace as text."""

import io
from collections.abc import Sequence
from typing import Any

from collector.local.render.text import make_console
from collector.local.render.trace import render_trace

MS = 1_000_000


def span(name: str, depth: int, start: int, end: int, **changes: Any) -> dict[str, Any]:
    """The JSON of a span that works from `start` to `end` (ms), all of it on the critical path."""
    row: dict[str, Any] = {
        "span_id": name,
        "name": name,
        "depth": depth,
        "service": "gateway",
        "offset_ns": start * MS,
        "duration_ns": (end - start) * MS,
        "self_ns": (end - start) * MS,
        "critical_ns": (end - start) * MS,
        "critical_parts": [[start * MS, (end - start) * MS]],
        "start_unix_ns": start * MS + 1,
        "end_unix_ns": end * MS + 2,
        "parent_span_id": "p" if depth else None,
        "status": "unset",
        "status_message": "",
        "attributes": {},
        "events": [],
        "links": [],
    }
    return row | changes


def trace(*spans: dict[str, Any], **changes: Any) -> dict[str, Any]:
    services = list(dict.fromkeys(row["service"] for row in spans))
    duration = max(row["offset_ns"] + row["duration_ns"] for row in spans)
    whole = {"trace_id": "ab" * 16, "duration_ns": duration, "services": services, "spans": list(spans)}
    return whole | {"logs": [], "log_count": 0} | changes


def drawn(answer: dict[str, Any], width: int = 80, encoding: str = "utf-8", max_spans: int | None = 500) -> str:
    """What a terminal without colours gets."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = make_console(file, width)
    for line in render_trace(answer, console, max_spans):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    file.seek(0)
    return "\n".join(line.rstrip() for line in file.read().splitlines())


def rows_of(text: str) -> Sequence[str]:
    return text.splitlines()[4:]
