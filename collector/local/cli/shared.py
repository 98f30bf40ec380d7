"""What the reading commands share: filters of the options, requests, and output as JSON or lines."""

import argparse
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from collector.local.api.as_json import dumps
from collector.local.cli.client import Reader
from collector.local.render.text import clean, fit, glyphs_for


def trace_filters(args: argparse.Namespace) -> dict[str, Any]:
    """The filters of `telemetry traces`, by the names of the API."""
    names = ("service", "operation", "status", "min_duration", "attribute", "since", "until")
    return {name: getattr(args, name) for name in names} | {
        "batches": "true" if args.batches else None,
        "filter": " ".join(args.filter) or None,
    }


def log_filters(args: argparse.Namespace) -> dict[str, Any]:
    """The filters of `telemetry logs`, by the names of the API."""
    return {
        "trace_id": args.trace,
        "service": args.service,
        "level": args.level,
        "since": args.since,
        "until": args.until,
        "filter": " ".join(args.filter) or None,
    }


def ask(reader: Reader, path: str, **parameters: Any) -> dict[str, Any]:
    """The answer; a warning on standard error if the collector cannot store telemetry now."""
    answer = reader.get(path, **parameters)
    if reader.problem:
        sys.stderr.write(f"The collector cannot store telemetry now: {clean(reader.problem)}\n")
    return answer


def print_json(answer: Any, *, is_line: bool = False) -> int:
    """Print JSON, as ASCII if the output's encoding requires it; on one line, or indented."""
    text = dumps(answer, indent=None if is_line else 2) + "\n"
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = "".join(char if char.isascii() else _json_escape(char) for char in text)
    sys.stdout.write(text)
    return 0


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def print_lines(console: Console, lines: Any) -> None:
    """Print lines; one that is wider than the console is cut."""
    for line in lines:
        if line.cell_len > console.width:
            line = Text(fit(line.plain, console.width, glyphs_for(console)))  # noqa: PLW2901
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
