"""`pamazon load`: searches at a fixed rate; reports latencies, throughput, errors, and this process's span counts."""

import argparse
import asyncio
import contextlib
import json
import random
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from demo_flow.commands.options import Subparsers, add_gateway, at_least
from demo_flow.incidents.table import MOST_SECONDS, named
from demo_flow.span_counts import span_counts

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from demo_flow.traffic import Report


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("load", help="search at a fixed rate, and report latencies")
    parser.add_argument(
        "--rate", type=at_least(0.01), default=20.0, metavar="R", help="searches a second (%(default)s)"
    )
    parser.add_argument(
        "--index-rate",
        type=at_least(0.0),
        default=0.0,
        metavar="R",
        help="index requests a second beside them, of goods that are there (%(default)s)",
    )
    parser.add_argument("--duration", type=at_least(0.1), default=10.0, metavar="SECONDS", help="(%(default)s)")
    parser.add_argument("--timeout", type=at_least(0.001), default=10.0, metavar="SECONDS", help="of each search")
    parser.add_argument(
        "--seed", type=int, help="of the mix of callers and queries (default: another one each time, see the report)"
    )
    parser.add_argument(
        "--incident",
        type=named,
        metavar="NAME",
        help="let this incident be active meanwhile; see pamazon incident list",
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    add_gateway(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make traffic and report; exit status 1 where nothing was answered."""
    from rich.console import Console

    from demo_flow.commands import client_telemetry

    console = Console(stderr=args.json)
    if args.seed is None:  # the same queries again would all be found in the encoder's cache
        args.seed = random.randrange(2**31)  # noqa: S311 (a mix, no secret)
    handle = client_telemetry.start()
    try:
        with _incident(args):
            report = _traffic(args, console)
    finally:
        handle.shutdown(10.0)
    counts = span_counts(handle.stats)
    if args.json:
        print(json.dumps({**report.as_json(), "seed": args.seed, "telemetry": counts}))
    else:
        console.print(_table(report, args, counts))
    return 0 if report.latencies else 1


@contextlib.contextmanager
def _incident(args: argparse.Namespace) -> Iterator[None]:
    """Play the incident that was asked for; after kill -9 it ends by itself, soon after the load would have."""
    if args.incident is None:
        yield
        return
    from collector.processes.child import interrupted_by
    from demo_flow.incidents.client import playing

    seconds = min(args.duration + args.timeout, MOST_SECONDS)
    with interrupted_by(signal.SIGTERM), playing(args.gateway, args.incident.name, seconds):
        yield


def _traffic(args: argparse.Namespace, console: "Console") -> "Report":
    from demo_flow.showing import progress
    from demo_flow.traffic import run as make_traffic

    with progress(console) as bar:
        task = bar.add_task("searching", total=max(1, round(args.rate * args.duration)), rate="")

        def on_progress(report: "Report") -> None:
            answered = len(report.latencies) + sum(report.errors.values())
            bar.update(task, completed=answered, rate=f"{answered / max(report.duration, 1e-9):,.0f}/s")

        return _interruptible(
            lambda: make_traffic(
                args.gateway,
                args.rate,
                args.duration,
                deadline=args.timeout,
                seed=args.seed,
                index_rate=args.index_rate,
                on_progress=on_progress,
            )
        )


def _interruptible(make: "Callable[[], Any]") -> "Report":
    """Run a coroutine; SIGTERM ends it as Ctrl-C does, by cancelling it."""

    async def main() -> "Report":
        task = asyncio.ensure_future(make())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        report: Report = await task
        return report

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:  # a second Ctrl-C: no more waiting for answers
        raise KeyboardInterrupt from None


def _table(report: "Report", args: argparse.Namespace, counts: dict[str, Any]) -> "Table":
    from rich.table import Table

    numbers = report.as_json()
    latency = "   ".join(
        f"[dim]{name.removesuffix('_ms')}[/] {'–' if value is None else f'{value:,.1f} ms'}"
        for name, value in numbers["latency"].items()
    )
    errors = "   ".join(f"{code} {count:,}" for code, count in numbers["errors"].items()) or "none"
    updates = numbers["index"]
    dropped = sum(counts["dropped"].values())
    table = Table.grid(padding=(0, 3))
    table.add_row("searches", f"{numbers['sent']:,} sent, {numbers['succeeded']:,} answered [dim](seed {args.seed})[/]")
    table.add_row("throughput", f"{numbers['throughput']:,.1f}/s of {args.rate:,.1f}/s asked")
    table.add_row("latency", latency)
    table.add_row("errors", f"[red]{errors}[/]" if numbers["errors"] else errors)
    if updates["succeeded"] or updates["errors"]:
        failed = "".join(f", {code} {count:,}" for code, count in updates["errors"].items())
        table.add_row("index", f"{updates['succeeded']:,} requests answered{failed}")
    for group in numbers["groups"]:
        middle, high = (group["latency"][name] for name in ("p50_ms", "p95_ms"))
        times = "" if middle is None else f"[dim]p50[/] {middle:,.1f} ms   [dim]p95[/] {high:,.1f} ms"
        failed = f"   [red]{group['failed']:,} failed[/]" if group["failed"] else ""
        table.add_row(f"[dim]{group['platform']} in {group['region']}[/]", f"{times}{failed}")
    table.add_row("telemetry", f"{counts['recorded']:,} recorded, {counts['exported']:,} exported, {dropped:,} dropped")
    return table
