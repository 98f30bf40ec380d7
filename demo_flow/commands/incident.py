"""`pamazon incident start NAME | stop | list`: lets something go wrong in a running Pamazon, ten minutes at most."""

import argparse
import json
from typing import TYPE_CHECKING

from demo_flow.commands.options import Subparsers, add_gateway, at_least
from demo_flow.errors import PamazonError
from demo_flow.incidents.table import INCIDENTS, MOST_SECONDS, named

if TYPE_CHECKING:
    from rich.table import Table


def add(subparsers: Subparsers) -> None:
    """Add the command and its three actions."""
    parser = subparsers.add_parser("incident", help="let something go wrong, for a while")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    start = actions.add_parser("start", help="start an incident")
    start.add_argument("incident", type=named, metavar="NAME", help="see pamazon incident list")
    start.add_argument(
        "--for",
        type=seconds,
        default=MOST_SECONDS,
        dest="seconds",
        metavar="SECONDS",
        help="then it ends by itself (%(default)g, which is the most)",
    )
    stop = actions.add_parser("stop", help="end the incident that is active")
    listed = actions.add_parser("list", help="show what each does, and which is active")
    listed.add_argument("--json", action="store_true", help="as JSON")
    for action, run in ((start, run_start), (stop, run_stop), (listed, run_list)):
        add_gateway(action)
        action.set_defaults(run=run)


def seconds(text: str) -> float:
    """Take seconds, up to `MOST_SECONDS`."""
    number = at_least(0.1)(text)
    if number > MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"an incident lasts {MOST_SECONDS:g} seconds at most, not {text}")
    return number


def run_start(args: argparse.Namespace) -> int:
    """Start one, and show what it does."""
    from demo_flow.incidents.client import IncidentsClient

    with IncidentsClient(args.gateway) as client:
        client.start(args.incident.name, args.seconds)
    incident = args.incident
    played = "" if incident.roles else " Callers play it: run pamazon load meanwhile."
    if incident.place == "link":
        played = " Callers play it: search in the shop as Bob, or run pamazon load meanwhile."
    print(f"{incident.name} is active for {args.seconds:g} s: {incident.happens}{played}")
    print("End it earlier: pamazon incident stop")
    return 0


def run_stop(args: argparse.Namespace) -> int:
    """End what is active; if nothing is, that is not an error."""
    from demo_flow.incidents.client import IncidentsClient

    with IncidentsClient(args.gateway) as client:
        stopped = client.stop()
    print(f"Ended: {', '.join(stopped)}." if stopped else "No incident was active.")
    return 0


def run_list(args: argparse.Namespace) -> int:
    """Show all of them. Without a gateway that answers it is an error, after the list."""
    from rich.console import Console

    from demo_flow.incidents.client import IncidentsClient

    failure: PamazonError | None = None
    active: dict[str, float] = {}
    try:
        with IncidentsClient(args.gateway) as client:
            active = client.active()
    except PamazonError as error:
        failure = error
    if args.json:
        rows = [
            {"name": one.name, "happens": one.happens, "moves": one.moves, "seconds_left": active.get(one.name)}
            for one in INCIDENTS.values()
        ]
        print(json.dumps({"incidents": rows}, ensure_ascii=False))
    else:
        Console().print(_table(active))
    if failure is not None:
        raise failure
    return 0


def _table(active: dict[str, float]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 3, 0, 0), show_edge=False)
    for column in ("incident", "what happens", "active"):
        table.add_column(column, header_style="dim")
    for one in INCIDENTS.values():
        left = f"{active[one.name]:.0f} s more" if one.name in active else ""
        table.add_row(Text(one.name, style="bold red" if left else "bold", overflow="fold"), Text(one.happens), left)
    return table
