"""The commands that read: each asks one question and prints the answer.

In: parsed arguments. Out: a picture or JSON on standard output. State: none.
"""

import argparse
import io
import re
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from collector.local import render_tables
from collector.local.api_json import dumps
from collector.local.client import Reader, open_reader
from collector.local.errors import CollectorError
from collector.local.render_metric import metric_table, metric_title
from collector.local.render_text import clean, make_console
from collector.local.render_trace import MAX_SPANS, render_trace

SVG_WIDTH = 112
# Rich's picture fetches its font from elsewhere; ours shows in the reader's own, and tells nobody that it is seen.
SVG_FORMAT = re.sub(r"\s*@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def services(args: argparse.Namespace) -> int:
    """`telemetry services`."""
    if args.json and not args.service:
        return _print_json(_ask(args, "/api/services"))
    answer = _ask(args, "/api/operations", service=args.service)
    if args.json:
        return _print_json(answer)
    console = make_console()
    if not answer["operations"]:
        return _nothing(console, "No spans yet.")
    console.print(render_tables.services_table(answer["operations"], console))
    return 0


def traces(args: argparse.Namespace) -> int:
    """`telemetry traces`."""
    filters = {name: getattr(args, name) for name in ("service", "operation", "status", "min_duration", "attribute")}
    answer = _ask(args, "/api/traces", **filters, limit=args.limit, before=args.before)
    if args.json:
        return _print_json(answer)
    console = make_console()
    if not answer["traces"]:
        return _nothing(console, "No traces." if any(filters.values()) else "No traces yet.")
    console.print(render_tables.traces_table(answer["traces"], console, time.time_ns()))
    if answer["next"]:
        console.print(f"More: --before {answer['next']}", style="dim", soft_wrap=True)
    return 0


def trace(args: argparse.Namespace) -> int:
    """`telemetry trace`."""
    answer = _ask(args, f"/api/traces/{args.trace_id}", wait=args.wait)
    if args.json:
        return _print_json(answer)
    max_spans = None if args.all else MAX_SPANS
    if args.svg:
        _write_svg(args.svg, answer, max_spans, f"telemetry trace {args.trace_id}")
    _print_lines(make_console(), answer, max_spans)
    return 0


def metrics(args: argparse.Namespace) -> int:
    """`telemetry metrics`."""
    if args.name and not args.json:
        return _print_metric(args)
    answer = _ask(args, f"/api/metrics/{args.name}" if args.name else "/api/metrics")
    if args.json:
        return _print_json(answer)
    console = make_console()
    if answer["metrics"]:
        console.print(render_tables.metrics_table(answer["metrics"], console, time.time_ns()))
    else:
        return _nothing(console, "No metrics yet.")
    return 0


def _print_metric(args: argparse.Namespace) -> int:
    with closing(open_reader(args.api, args.store)) as reader:
        answer = reader.get(f"/api/metrics/{args.name}", latest="true")
        before = answer["next"]
        while before:  # many deltas: a value is the sum of all
            more = reader.get(f"/api/metrics/{args.name}", latest="true", before=before)
            answer["series"] += more["series"]
            before = more["next"]
        _warn_of(reader)
    console = make_console()
    console.print(metric_title(answer, console))
    console.print()
    console.print(metric_table(answer, console))
    return 0


def _ask(args: argparse.Namespace, path: str, **parameters: Any) -> dict[str, Any]:
    with closing(open_reader(args.api, args.store)) as reader:
        answer = reader.get(path, **parameters)
        _warn_of(reader)
        return answer


def _warn_of(reader: Reader) -> None:
    """Say when what is shown is not all that was sent, beside the answer and not in it."""
    with suppress(CollectorError):  # the answer is there
        if problem := reader.problem():
            sys.stderr.write(f"The collector cannot store what it is sent now: {clean(problem)}\n")


def _print_json(answer: dict[str, Any]) -> int:
    sys.stdout.write(dumps(answer, indent=2) + "\n")
    return 0


def _nothing(console: Console, what: str) -> int:
    console.print(what, style="dim")
    return 0


def _write_svg(path: Path, answer: dict[str, Any], max_spans: int | None, title: str) -> None:
    picture = make_console(io.StringIO(), SVG_WIDTH, record=True)
    _print_lines(picture, answer, max_spans)
    picture.print()  # the export cuts off the lower edge of the last line
    try:
        picture.save_svg(str(path), title=title, code_format=SVG_FORMAT, unique_id="trace")
    except OSError as error:
        raise CollectorError(
            f"The picture cannot be written to {path}: {error.strerror}.", "Name another file."
        ) from error


def _print_lines(console: Console, answer: dict[str, Any], max_spans: int | None) -> None:
    for line in render_trace(answer, console, max_spans):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
