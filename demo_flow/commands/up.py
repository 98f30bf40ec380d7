"""`pamazon up`: starts every role of Pamazon, and stops them at Ctrl-C.

In: addresses and arguments of the roles, how many of them, the label of a version. Out: their processes, an index that
is not empty, the addresses; until Ctrl-C or SIGTERM. State: the processes, which end with this one.
"""

import argparse
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo_flow.commands.options import (
    NO_PAGE,
    Subparsers,
    add_argument,
    address,
    between,
    data_folder,
    label,
    page_address,
    page_of,
)
from demo_flow.errors import PamazonError
from demo_flow.flow import CLIP_ENCODER, GATEWAY, QDRANT_INDEXER, ROLES, Argument, Role
from demo_flow.version import own_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from demo_flow.processes import Processes
    from demo_flow.starting import Pamazon, Plan


def add(subparsers: Subparsers) -> None:
    """Add the command; its options are the roles' addresses, and those arguments that it does not fill in itself."""
    parser = subparsers.add_parser("up", help=f"start {', '.join(ROLES)}")
    for role in ROLES.values():
        parser.add_argument(
            f"--{role.name.replace('_', '-')}",
            type=address,
            default=role.address,
            metavar="HOST:PORT",
            help=f"where {role.name} listens (%(default)s)",
        )
    parser.add_argument(
        "--shop",
        type=page_address,
        metavar="HOST:PORT",
        help=f"where {GATEWAY.name} serves the shop's page, over HTTP ({GATEWAY.page}); {NO_PAGE}: nowhere",
    )
    parser.add_argument("--encoder", type=address, metavar="HOST:PORT", help="address of an encoder that already runs")
    options = set[str]()
    for role, name, argument in _arguments():
        option = f"{role.name}_{name}" if name in options else name
        options.add(option)
        add_argument(parser, option, argument, f"{role.name}.{name}")
    parser.add_argument(
        "--index-replicas",
        type=between(1, 8),
        default=1,
        metavar="N",
        help=f"instances of {QDRANT_INDEXER.name}, each with a folder of its own, at the following ports (%(default)s)",
    )
    parser.add_argument(
        "--version-label",
        type=label,
        metavar="VERSION",
        help=f"version of the processes in their telemetry; with --split, of one {CLIP_ENCODER.name} more",
    )
    parser.add_argument("--catalogue", type=Path, metavar="FOLDER", help="index this one (default: our own, once)")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="index and logs (default: your data folder)")
    parser.set_defaults(run=run)


def _arguments() -> "Iterator[tuple[Role, str, Argument]]":
    """Yield the arguments that are options: role, name, argument."""
    for role in ROLES.values():
        for name, argument in role.options.items():
            if argument.offered or not argument.filled:
                yield role, name, argument


def run(args: argparse.Namespace) -> int:
    """Open, index, wait. Exit status 1 if a process died on the way."""
    from rich.console import Console

    from collector.processes.child import interrupted_by
    from demo_flow.commands import client_telemetry
    from demo_flow.processes import Processes
    from demo_flow.starting import open_pamazon

    console = Console()
    plan = plan_of(args)
    with interrupted_by(signal.SIGTERM), Processes(plan.data / "logs") as processes:
        try:
            with console.status("Pamazon opens") as status:
                pamazon = open_pamazon(plan, processes, status.update)
            if args.catalogue or lacks_goods(pamazon):
                handle = client_telemetry.start()
                _index(console, pamazon, args.catalogue)
                handle.flush(5.0)
                pamazon = pamazon.counted()
            print_banner(console, pamazon, plan)
            return stay(console, processes)
        except KeyboardInterrupt:
            console.print("Pamazon closes.", style="dim")
            return 0


def plan_of(args: argparse.Namespace) -> "Plan":
    """Return the plan that the options make. Raises PamazonError."""
    from demo_flow.starting import SHOP, Plan

    given = vars(args)
    if given[f"{GATEWAY.name}.split"] and not args.version_label:
        raise PamazonError("--split needs the label of the other version.", "Add --version-label VERSION.")
    if given[f"{GATEWAY.name}.split"] and args.version_label == own_version():
        raise PamazonError(f"Both versions would be called {args.version_label}.", "Choose another --version-label.")
    arguments: dict[str, dict[str, Any]] = {}
    for role, name, _ in _arguments():
        arguments.setdefault(role.name, {})[name] = given[f"{role.name}.{name}"]
    return Plan(
        data=args.data or data_folder(),
        listen={name: given[name] for name in ROLES} | {SHOP: page_of(GATEWAY, given[GATEWAY.name], args.shop)},
        elsewhere={CLIP_ENCODER.name: args.encoder} if args.encoder else {},
        arguments=arguments,
        replicas={QDRANT_INDEXER.name: args.index_replicas},
        version=args.version_label,
        catalogue=args.catalogue,
    )


def lacks_goods(pamazon: "Pamazon") -> bool:
    """Return whether our own catalogue is to be indexed: nothing is there, or an indexer lacks some of it."""
    from demo_flow.indexing import read_catalogue

    most, least = max(pamazon.points.values()), min(pamazon.points.values())
    return not most or (least < most == len(read_catalogue(None, lambda _: None)))


def _index(console: "Console", pamazon: "Pamazon", folder: Path | None) -> None:
    from demo_flow.commands.index import index_with_bar
    from demo_flow.indexing import read_catalogue

    def on_problem(problem: str) -> None:
        console.print(problem, style="yellow", highlight=False, soft_wrap=True, markup=False)

    index_with_bar(console, pamazon.addresses[GATEWAY.name], read_catalogue(folder, on_problem))


def print_banner(
    console: "Console", pamazon: "Pamazon", plan: "Plan", *, stays: bool = True, desk: str | None = None
) -> None:
    """Print the addresses and what to do next; or, if it does not stay open, only the addresses.

    `desk` is the address of the desk, where it is known to be.
    """
    from rich.table import Table

    table = Table.grid(padding=(0, 3))
    for name, facts in pamazon.facts.items():
        about = ROLES[facts["role"]].about.format_map(facts)
        version = f", version {facts['version']}" if "version" in facts else ""
        table.add_row(f"  [bold]{name}[/]", facts["address"], f"[dim]{about}{version}[/]")
    for shop in pamazon.shops:
        table.add_row("  [bold]shop[/]", f"http://{_opened(shop)}", "[dim]search here, in a browser[/]")
    if desk:
        table.add_row("  [bold]desk[/]", desk, "[dim]where the time of all requests went[/]")
    console.print("\n[bold green]Pamazon is open.[/]  Ctrl-C closes it." if stays else "\nPamazon was open here.")
    console.print(table)
    if len(set(pamazon.points.values())) > 1:
        console.print(
            "  The indexers hold different goods, and searches find now these, now those.\n"
            "  Index again what they should hold: pamazon index [--catalogue FOLDER], or all of it with --recreate.",
            style="yellow", highlight=False, soft_wrap=True, markup=False,
        )  # fmt: skip
    if not stays:
        return
    from demo_flow.incidents.table import INCIDENTS

    gateway = pamazon.addresses[GATEWAY.name]
    other = "" if gateway == GATEWAY.address else f" --gateway {gateway}"
    console.print(f'  [dim]try[/]  pamazon search "black jacket"{other}', highlight=False, soft_wrap=True)
    if pamazon.shops:
        slow = next(name for name, incident in INCIDENTS.items() if incident.place == "link" and incident.region)
        console.print(f"       pamazon incident start {slow}{other}", highlight=False, soft_wrap=True)
        console.print("       [dim]then search in the shop as Bob, and open the trace[/]", soft_wrap=True)
    console.print(f"  [dim]logs[/] {plan.data / 'logs'}\n", highlight=False, soft_wrap=True)


def _opened(address: str) -> str:
    """Return an address that a browser of this machine can open, unlike the one that stands for all interfaces."""
    host, _, port = address.rpartition(":")
    return f"127.0.0.1:{port}" if host in {"0.0.0.0", "[::]", "::"} else address  # noqa: S104 (nothing listens here)


def stay(console: "Console", processes: "Processes") -> int:
    """Stay until interrupted; print how each process that ends did so. Returns 1 once none is left."""
    for child in processes.exits():
        console.print(child.exit_message(), style="red", highlight=False, soft_wrap=True, markup=False)
    return 1
