"""`telemetry traces --follow` and `telemetry logs --follow`: print what arrives, until Ctrl-C."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from collector.local.cli.client import open_reader
from collector.local.cli.shared import ask, log_filters, print_json, print_lines, trace_filters
from collector.local.errors import CollectorError
from collector.local.render.logs import LogLines
from collector.local.render.tables import ended_traces_table
from collector.local.render.text import make_console

WAIT = "30s"
"""How long one request waits; a longer one would delay the collector's shutdown."""
_FIRST = 10
Rows = list[dict[str, Any]]


def follow_traces(args: argparse.Namespace) -> int:
    """Print requests as they end."""
    console = make_console()
    is_begun = False

    def show(rows: Rows) -> None:
        nonlocal is_begun
        if rows or not is_begun:
            console.print(ended_traces_table(rows, console, heads=not is_begun))
        is_begun = True

    return _follow(args, "/api/traces", trace_filters(args), show)


def follow_logs(args: argparse.Namespace) -> int:
    """Print log records as they arrive."""
    console = make_console()
    lines = LogLines(console, of_one_trace=bool(args.trace))
    return _follow(args, "/api/logs", log_filters(args), lambda rows: print_lines(console, lines.draw(rows)))


def _follow(args: argparse.Namespace, path: str, filters: dict[str, Any], show: Callable[[Rows], None]) -> int:
    for rows in _arrivals(args, path, filters):
        if args.json:
            for row in rows:
                print_json(row, is_line=True)
        else:
            show(rows)
        sys.stdout.flush()
    return 0


def _arrivals(args: argparse.Namespace, path: str, filters: dict[str, Any]) -> Iterator[Rows]:
    """First the latest, then what arrives; each page with the earliest first."""
    name = path.rpartition("/")[2]
    with closing(open_reader(args.api, args.store)) as reader:
        answer = ask(reader, path, **filters, limit=args.limit or _FIRST, after="now")
        if not reader.is_live:
            raise CollectorError("--follow requires a running collector.", "Leave out --follow.")
        yield answer[name][::-1]
        while True:
            answer = ask(reader, path, **filters, after=answer["after"], wait=WAIT)
            yield answer[name] if name == "logs" else answer[name][::-1]
