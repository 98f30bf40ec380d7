"""The output of the commands: results, the trace of a search, a progress bar.

A trace is drawn by the `telemetry` command, run as a user would run it: the demo does not import the collector's code.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo_flow.proto.pamazon_pb2 import Match, SearchResponse

API: Final = "127.0.0.1:4319"
"""Default address of the local collector's API."""

_TELEMETRY: Final = "from telemetry.cli import main; raise SystemExit(main())"


def result(match: Match) -> dict[str, Any]:
    """Return a match as `pamazon search --json` gives it: id, English name, score, and what else the shop knows."""
    payload = json.loads(match.payload or "{}")
    known = {key: payload[key] for key in ("category", "price_cents") if key in payload}
    return {"id": match.id, "name": payload.get("name", match.id), "score": round(match.score, 6), **known}


def results_table(matches: Sequence[Match]) -> Table:
    """Draw results: name, price, score."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("name", style="bold")
    table.add_column("price", justify="right")
    table.add_column("score", justify="right")
    for rank, match in enumerate(matches, start=1):
        found = result(match)
        table.add_row(str(rank), found["name"], price(found.get("price_cents")), f"{found['score']:.3f}")
    return table


def print_results(response: SearchResponse) -> None:
    """Print results, or why there are none."""
    console = Console()
    if response.results:
        console.print(results_table(response.results))
    elif response.below_threshold:
        text = "Nothing found: no goods are near enough. Show the nearest all the same: pamazon search --threshold 0"
        console.print(text, style="dim", highlight=False, soft_wrap=True)
    else:
        console.print("Nothing found: the index is empty. Fill it with: pamazon index", style="dim")


def price(cents: int | None) -> str:
    """Write a price, as the shop's page does."""
    return "" if cents is None else f"€{cents / 100:,.2f}"


def telemetry_command(*arguments: str) -> list[str]:
    """Return the command line of `telemetry` with these arguments, in this environment."""
    return [sys.executable, "-c", _TELEMETRY, *arguments]


class ShownTrace:
    """A trace that `telemetry trace` waits for and draws on our standard output."""

    def __init__(self, trace_id: str, api: str = API) -> None:
        sys.stdout.flush()
        self._command = subprocess.Popen(
            telemetry_command("trace", trace_id, "--wait", "5s", "--api", api), stderr=subprocess.PIPE, text=True
        )

    def finish(self, otherwise: Callable[[], str | None] = lambda: None) -> bool:
        """Wait until it is drawn; if it cannot be, print the line that `otherwise` returns, or the reason."""
        _, errors = self._command.communicate()
        if self._command.returncode:
            reason = errors.strip().splitlines()[0] if errors.strip() else "the telemetry command failed"
            line = otherwise() or f"No trace is shown: {reason}"
            Console().print(line, style="dim", highlight=False, soft_wrap=True, markup=False)
        return self._command.returncode == 0


def progress(console: Console) -> Progress:
    """Return a progress bar that counts goods; if the output is not a terminal, only the end is written."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        console=console,
    )
