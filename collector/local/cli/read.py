"""The reading commands: each asks one question and prints the answer, as text or JSON."""

import argparse
import io
import re
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from collector.local.api.as_json import dumps
from collector.local.api.parameters import MAX_LIMIT
from collector.local.cli.client import Reader, open_reader
from collector.local.cli.follow import follow_logs, follow_traces
from collector.local.cli.shared import ask, log_filters, print_json, print_lines, trace_filters
from collector.local.errors import CollectorError
from collector.local.render import tables as render_tables
from collector.local.render.choosing import chosen, counted_since
from collector.local.render.logs import LogLines
from collector.local.render.metric import metric_table, metric_title
from collector.local.render.text import glyphs_for, make_console
from collector.local.render.trace import MAX_SPANS, render_trace
from telemetry.errors import did_you_mean

SVG_WIDTH = 112
LAST_WAIT = "1s"
"""How long the latest trace is waited for while people look on: processes export half a second apart."""
# Rich's picture loads its font from the Internet; ours uses the reader's own font.
SVG_FORMAT = re.sub(r"\s*@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def services(args: argparse.Namespace) -> int:
    """`telemetry services`."""
    with closing(open_reader(args.api, args.store)) as reader:
        if args.json and not args.service:
            return print_json(ask(reader, "/api/services"))
        answer = ask(reader, "/api/operations", service=args.service)
        if not (answer["operations"] or args.json):
            _check_names(reader, args.service)
    if args.json:
        return print_json(answer)
    console = make_console()
    if not answer["operations"]:
        return _nothing(console, "No spans yet.")
    console.print(render_tables.services_table(answer["operations"], console))
    return 0


def traces(args: argparse.Namespace) -> int:
    """`telemetry traces`."""
    if args.follow:
        _check_follows(args, "--slowest", "--shared")
        return follow_traces(args)
    filters = trace_filters(args)
    if args.shared:
        return _print_shared(args, filters)
    limit = args.limit or 20
    with closing(open_reader(args.api, args.store)) as reader:
        order = "duration" if args.slowest else None
        answer = ask(reader, "/api/traces", **filters, order=order, limit=limit, before=args.before)
        if not (answer["traces"] or args.json):
            _check_names(reader, args.service, args.operation)
    if args.json:
        return print_json(answer)
    console = make_console()
    if not answer["traces"]:
        return _nothing(console, "No traces." if any(filters.values()) else "No traces yet.")
    console.print(render_tables.traces_table(answer["traces"], console, time.time_ns()))
    _print_more(console, answer["next"], limit)
    return 0


def trace(args: argparse.Namespace) -> int:
    """`telemetry trace`."""
    if args.otlp:
        return _write_otlp(args)
    wait = args.wait or (LAST_WAIT if args.trace_id == "last" and not args.json else None)
    with closing(open_reader(args.api, args.store)) as reader:
        answer = ask(reader, f"/api/traces/{args.trace_id}", wait=wait)
    if args.json:
        return print_json(answer)
    max_spans = None if args.all else MAX_SPANS
    if args.svg:
        _write_svg(args.svg, answer, max_spans, f"telemetry trace {args.trace_id}")
    _print_trace(make_console(), answer, max_spans)
    return 0


def logs(args: argparse.Namespace) -> int:
    """`telemetry logs`."""
    if args.follow:
        _check_follows(args)
        return follow_logs(args)
    filters, limit = log_filters(args), args.limit or 100
    with closing(open_reader(args.api, args.store)) as reader:
        answer = ask(reader, "/api/logs", **filters, limit=limit, before=args.before)
        if not (answer["logs"] or args.json):
            _check_sender(reader, args.service)
    if args.json:
        return print_json(answer)
    console = make_console()
    if not answer["logs"]:
        return _nothing(console, "No log records." if any(filters.values()) else "No log records yet.")
    if answer["next"]:
        console.print(f"{glyphs_for(console).ellipsis} before: --limit {limit * 2}", style="dim")
    print_lines(console, LogLines(console, of_one_trace=bool(args.trace)).draw(answer["logs"][::-1]))
    return 0


def metrics(args: argparse.Namespace) -> int:
    """`telemetry metrics`."""
    narrowed = args.by or args.attribute or args.since or args.until
    if narrowed and not args.name:
        raise CollectorError(
            "--by, --attribute, --since and --until need the name of a metric.",
            "Give it, as in `telemetry metrics search.client.duration`; `telemetry metrics` lists them.",
        )
    if args.name and (narrowed or not args.json):
        return _print_metric(args)
    with closing(open_reader(args.api, args.store)) as reader:
        answer = ask(reader, f"/api/metrics/{args.name}" if args.name else "/api/metrics")
    if args.json:
        return print_json(answer)
    console = make_console()
    if not answer["metrics"]:
        return _nothing(console, "No metrics yet.")
    console.print(render_tables.metrics_table(answer["metrics"], console, time.time_ns()))
    return 0


def _print_metric(args: argparse.Namespace) -> int:
    with closing(open_reader(args.api, args.store)) as reader:
        answer = _values(reader, args.name, args.until)
        if args.since:
            answer = counted_since(answer, _values(reader, args.name, args.since))
    if args.by or args.attribute:
        answer = chosen(answer, args.by, dict(pair.split("=", 1) for pair in args.attribute))
    if args.json:
        return print_json(answer)
    console = make_console()
    console.print(metric_title(answer, console))
    console.print()
    if not answer["series"]:
        return _nothing(console, "No values.")
    console.print(metric_table(answer, console, time.time_ns(), highest_first=bool(args.by)))
    return 0


def _values(reader: Reader, name: str, until: str | None) -> dict[str, Any]:
    """The values of a metric, now or at a time."""
    path = f"/api/metrics/{name}"
    answer = ask(reader, path, latest="true", until=until)
    before = answer["next"]
    while before:  # a value is the sum of all deltas
        more = reader.get(path, latest="true", until=until, before=before)
        answer["series"] += more["series"]
        before = more["next"]
    return answer


def _print_shared(args: argparse.Namespace, filters: dict[str, Any]) -> int:
    with closing(open_reader(args.api, args.store)) as reader:
        answer = ask(reader, "/api/shared", **filters, limit=args.limit)
    if args.json:
        return print_json(answer)
    console = make_console()
    if not answer["shared"]:
        return _nothing(console, "No traces match, or they share nothing that the others do not have as often.")
    console.print(render_tables.shared_table(answer["shared"], console))
    return 0


def _check_follows(args: argparse.Namespace, *others: str) -> None:
    """Check that nothing is asked for that a list without an end does not have: an end, an order.

    Raises:
        CollectorError: it is.
    """
    for option in ("--until", *others):
        if getattr(args, option[2:]):
            raise CollectorError(f"{option} and --follow are both given.", "Use one of them.")


def _check_names(reader: Reader, service: str | None, operation: str | None = None) -> None:
    """If nothing was found: check that the service and the operation exist.

    Raises:
        CollectorError: there is no such name; with the nearest names.
    """
    if not (service or operation):
        return
    rows = reader.get("/api/operations", limit=MAX_LIMIT)["operations"]
    for name, what in ((service, "service"), (operation, "operation")):
        names = {str(row[what]) for row in rows} if name else set()
        if name and name not in names:
            hint = did_you_mean(name, sorted(names)) or "List them: telemetry services."
            raise CollectorError(f"There is no {what} {name!r}.", hint)


def _check_sender(reader: Reader, service: str | None) -> None:
    """The same for a service that sent no log records.

    Raises:
        CollectorError: there are none.
    """
    if service and not reader.get("/api/logs", service=service, limit=1)["logs"]:
        names = {str(row["service"]) for row in reader.get("/api/logs", limit=1000)["logs"]}
        names |= {str(row["service"]) for row in reader.get("/api/services", limit=MAX_LIMIT)["services"]} - {service}
        hint = did_you_mean(service, sorted(names)) or "List the services: telemetry services."
        raise CollectorError(f"There is no log record of a service {service!r}.", hint)


def _nothing(console: Console, what: str) -> int:
    console.print(what, style="dim")
    return 0


def _print_more(console: Console, cursor: str | None, limit: int) -> None:
    """Print how to see more: the next page, or a longer one if the cursor does not fit into a line."""
    if cursor:
        more = f"More: --before {cursor}"
        console.print(more if len(more) <= console.width else f"More: --limit {limit * 2}", style="dim")


def _write_svg(path: Path, answer: dict[str, Any], max_spans: int | None, title: str) -> None:
    picture = make_console(io.StringIO(), SVG_WIDTH, record=True)
    _print_trace(picture, answer, max_spans)
    picture.print()  # else the export cuts off the last line
    try:
        picture.save_svg(str(path), title=title, code_format=SVG_FORMAT, unique_id="trace")
    except OSError as error:
        raise CollectorError(
            f"The picture cannot be written to {path}: {error.strerror}.", "Use another file."
        ) from error


def _write_otlp(args: argparse.Namespace) -> int:
    """Write all pages of the export as one document."""
    found: list[Any] = []
    with closing(open_reader(args.api, args.store)) as reader:
        if args.wait:
            reader.get(f"/api/traces/{args.trace_id}", wait=args.wait)
        page: dict[str, Any] = {"next": 0}
        while "next" in page:
            page = ask(reader, f"/api/traces/{args.trace_id}/otlp", offset=page["next"])
            found += page["resourceSpans"]
    if str(args.otlp) == "-":
        return print_json({"resourceSpans": found}, is_line=True)
    try:
        args.otlp.write_text(dumps({"resourceSpans": found}) + "\n", encoding="utf-8")
    except OSError as error:
        raise CollectorError(
            f"The trace cannot be written to {args.otlp}: {error.strerror}.", "Use another file."
        ) from error
    spans = sum(len(scope["spans"]) for resource in found for scope in resource["scopeSpans"])
    make_console().print(f"{spans} span{'s' * (spans != 1)} in {args.otlp}", style="dim")
    return 0


def _print_trace(console: Console, answer: dict[str, Any], max_spans: int | None) -> None:
    print_lines(console, render_trace(answer, console, max_spans))
