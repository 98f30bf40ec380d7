"""`pamazon index`: puts a folder's catalogue, or the shipped one, into the index, with a progress bar.

Rows that cannot be used are reported and skipped.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from demo_flow.commands.options import Subparsers, add_gateway, address, at_least
from demo_flow.flow import QDRANT_INDEXER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from demo_flow.catalogue.catalogue import Item


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("index", help="put a catalogue into the index")
    parser.add_argument(
        "--catalogue",
        type=Path,
        metavar="FOLDER",
        help="pictures with catalogue.jsonl or .parquet (default: our own)",
    )
    parser.add_argument(
        "--batch", type=at_least(1, int), default=64, metavar="N", help="items in one request (%(default)s)"
    )
    parser.add_argument("--once", action="store_true", help="only if the index holds fewer goods than the catalogue")
    parser.add_argument(
        "--qdrant-indexer",
        type=address,
        default=QDRANT_INDEXER.address,
        metavar="HOST:PORT",
        help="the indexer that --once asks for the number of goods (%(default)s)",
    )
    add_gateway(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Index; exit status 0, also where rows were skipped."""
    from rich.console import Console

    from demo_flow.client import describe
    from demo_flow.commands import client_telemetry
    from demo_flow.indexing import read_catalogue

    errors = Console(stderr=True)
    problems: list[str] = []

    def on_problem(problem: str) -> None:
        problems.append(problem)
        errors.print(problem, style="yellow", highlight=False, soft_wrap=True, markup=False)

    items = read_catalogue(args.catalogue, on_problem)
    if args.once:
        points = int(describe(QDRANT_INDEXER, args.qdrant_indexer, "points")["points"])
        if points >= len(items):
            print(f"The index holds {points:,} goods already.")
            return 0
    handle = client_telemetry.start()
    try:
        index_with_bar(Console(), args.gateway, items, args.batch)
    finally:
        handle.shutdown(5.0)
    if problems:
        errors.print(f"{len(problems)} rows were skipped, see above.", style="yellow", highlight=False)
    return 0


def index_with_bar(console: "Console", gateway: str, items: "Sequence[Item]", batch: int = 64) -> str | None:
    """Index the items and draw a progress bar; return the last batch's trace. Raises RequestFailed."""
    import time

    from demo_flow.client import GatewayClient
    from demo_flow.indexing import index_items
    from demo_flow.showing import progress

    started = time.monotonic()
    done = 0
    with GatewayClient(gateway) as client, progress(console) as bar:
        task = bar.add_task("indexing", total=len(items), rate="")

        def on_progress(count: int) -> None:
            nonlocal done
            done += count
            bar.update(task, advance=count, rate=f"{done / (time.monotonic() - started):,.0f}/s")

        return index_items(client, items, batch, on_progress)
