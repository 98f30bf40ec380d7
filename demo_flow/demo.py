"""`make demo`: everything on one screen; then Pamazon stays open.

In: nothing but this checkout. Out: a local collector and Pamazon's three processes, a catalogue indexed, five searches,
the trace of one of them as a tree, how long each step took; until Ctrl-C, or with `--once` until the end of it. State:
the processes, which end with this one.
"""

import argparse
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx
from rich.console import Console
from rich.table import Table

import telemetry
from collector.processes.child import Child, interrupted_by
from demo_flow.client import GatewayClient
from demo_flow.commands import client_telemetry
from demo_flow.commands.failing import fail, print_anything
from demo_flow.commands.index import index_with_bar
from demo_flow.commands.options import data_folder
from demo_flow.commands.up import print_banner, stay
from demo_flow.errors import PamazonError
from demo_flow.flow import GATEWAY, QDRANT_INDEXER, ROLES
from demo_flow.indexing import read_catalogue
from demo_flow.processes import ChildDied, Processes
from demo_flow.proto.pamazon_pb2 import SearchRequest
from demo_flow.showing import API, ShownTrace, result, telemetry_command
from demo_flow.starting import FREE_PORTS, Plan, open_pamazon

SEARCHES: Final = ("jacket mens", "black jacket", "Winterjacke", "guitarra", "backpak")
SHOWN: Final = "black jacket"
"""The search whose trace is drawn."""

OTHER_VERSION: Final = "2.0.0"
"""That of the second encoder, which gets half of the searches."""

_COLLECTOR_TIMEOUT: Final = 20.0

TOKEN: Final = "SEARCH_TELEMETRY_COLLECTOR_TOKEN"  # noqa: S105 (the name of a variable)
TOKEN_FILE: Final = "SEARCH_TELEMETRY_COLLECTOR_TOKEN_FILE"  # noqa: S105 (as above)
CERTIFICATE: Final = "SEARCH_TELEMETRY_COLLECTOR_CERTIFICATE"
CLIENT_CERTIFICATE: Final = "SEARCH_TELEMETRY_COLLECTOR_CLIENT_CERTIFICATE"
CLIENT_KEY: Final = "SEARCH_TELEMETRY_COLLECTOR_CLIENT_KEY"
"""The variables that the `telemetry` commands need for a collector that requires more than an address."""


class Steps:
    """Times the steps of the demo, and prints the times at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._took: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block."""
        self._console.print(f"\n[bold cyan]{len(self._took) + 1}  {name}[/]")
        started = time.monotonic()
        yield
        self._took.append((name, time.monotonic() - started))

    def print(self) -> None:
        """Print how long each step took."""
        table = Table.grid(padding=(0, 3))
        table.add_column()
        table.add_column(justify="right")
        for name, seconds in (*self._took, ("all of it", sum(seconds for _, seconds in self._took))):
            table.add_row(f"  {name}", f"{seconds:.1f} s")
        self._console.print("\n[bold]How long it took[/]")
        self._console.print(table)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit status."""
    print_anything()
    parser = argparse.ArgumentParser(prog="python -m demo_flow.demo", description="Pamazon, searched and traced.")
    parser.add_argument("--once", action="store_true", help="end when everything has been shown")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="index and logs (default: in your data folder)")
    parser.add_argument("--store", type=Path, metavar="PATH", help="the collector's store (default: the usual one)")
    parser.add_argument("--free-ports", action="store_true", help="listen on free ports instead of the usual ones")
    parser.add_argument(
        "--replicas",
        action="store_true",
        help=f"a second index, and a second encoder of version {OTHER_VERSION}: two incidents need them",
    )
    args = parser.parse_args(argv)
    try:
        return _run(args, Console())
    except ChildDied as error:
        return fail(error.message, "If a port is taken, use free ones: python -m demo_flow.demo --free-ports", 1)
    except PamazonError as error:
        return fail(error.message, error.hint, 1)
    except telemetry.TelemetryError as error:
        return fail(error.message, error.hint, 2)
    except KeyboardInterrupt:
        return 130


def _run(args: argparse.Namespace, console: Console) -> int:
    # An index of its own, filled again each time: that of `pamazon up` is left alone.
    plan = Plan(args.data or data_folder() / "demo", arguments={QDRANT_INDEXER.name: {"recreate": True}})
    if args.replicas:
        plan = replace(plan, replicas={QDRANT_INDEXER.name: 2}, version=OTHER_VERSION)
    collector = Collector(store=args.store)
    if args.free_ports:
        plan = replace(plan, listen=FREE_PORTS)
        collector = replace(collector, otlp=free_address(), api=free_address(), http=free_address())
    steps = Steps(console)
    with interrupted_by(signal.SIGTERM), ExitStack() as stack:
        processes = stack.enter_context(Processes(plan.data / "logs"))
        with steps.step("Local collector"):
            api = _start_collector(console, processes, collector)
        of_gateway = {**_page(collector, api), "split": 50 if args.replicas else 0}
        plan = replace(plan, arguments={**plan.arguments, GATEWAY.name: of_gateway})
        handle = client_telemetry.start()
        stack.callback(handle.shutdown, 2.0)
        with steps.step(f"Pamazon: {', '.join(ROLES)}"):
            pamazon = open_pamazon(plan, processes, lambda what: console.print(f"  {what}", style="dim"))
        gateway = pamazon.addresses[GATEWAY.name]
        with steps.step("Index the catalogue, by its pictures"):
            items = read_catalogue(None, console.print)
            index_with_bar(console, gateway, items)
            pamazon = pamazon.counted()
        with steps.step("Search"):
            trace_id = _search(console, gateway)
        with steps.step(f"The trace of “{SHOWN}”"):
            _draw(handle, trace_id, api)
        steps.print()
        print_banner(console, pamazon, plan, stays=not args.once, desk=api)
        return 0 if args.once else _stay(console, processes)


def _page(collector: "Collector", api: str) -> dict[str, str]:
    """Return the arguments of the shop's page: it sends its spans to the same collector, unless that asks for more."""
    open_to_pages = api.startswith("http://") and not any(os.environ.get(name) for name in (TOKEN, TOKEN_FILE))
    otlp = f"http://{collector.http}" if collector.http else GATEWAY.page_arguments["page_otlp"].default
    return {"traces": f"{api}/traces/", "page_otlp": str(otlp) if open_to_pages else "none"}


@dataclass(frozen=True, slots=True)
class Collector:
    """Where the local collector listens and what it keeps its store in; None is its own default."""

    otlp: str = "127.0.0.1:4317"
    api: str = API
    http: str | None = None
    store: Path | None = None

    def command(self) -> list[str]:
        """Return the command that starts it."""
        options = {"--grpc": self.otlp, "--api": self.api, "--http": self.http, "--store": self.store}
        given = [f"{name}={value}" for name, value in options.items() if value is not None]
        return telemetry_command("collect", *given)

    def answers(self) -> bool:
        """Return whether a collector answers at `api`."""
        return self.scheme() is not None

    def scheme(self) -> str | None:
        """Return how the collector at `api` is called, `http` or `https`; None where none answers."""
        authority = os.environ.get(CERTIFICATE)
        tried: dict[str, ssl.SSLContext | bool] = {"http": False}
        if authority:
            tried = {"https": ssl.create_default_context(cafile=authority), **tried}
        for scheme, verify in tried.items():
            with suppress(httpx.HTTPError), httpx.Client(verify=verify, trust_env=False, timeout=2) as client:
                if client.get(f"{scheme}://{self.api}/api/health").status_code == 200:
                    return scheme
        return None

    def await_ready(self, child: Child) -> None:
        """Wait until the collector that was started as `child` answers. Raises PamazonError."""
        if child.await_ready(self.answers, time.monotonic() + _COLLECTOR_TIMEOUT):
            return
        if not child.is_alive():
            raise ChildDied(child)
        raise PamazonError(f"The local collector does not answer at {self.api}.", f"Its log is {child.log}.")


def _start_collector(console: Console, processes: Processes, wanted: Collector) -> str:
    """Start the local collector, or use the one that answers; put its address into the environment.

    Returns the URL of its API.
    """
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        del os.environ[name]  # the demo shows everything, in its own collector
    scheme = wanted.scheme()
    _configure_senders(wanted, scheme or "http")
    if scheme:
        console.print(f"  The one that runs already, {scheme}://{wanted.api}, is used.", style="dim", highlight=False)
        return f"{scheme}://{wanted.api}"
    wanted.await_ready(processes.start_other("collector", wanted.command()))
    console.print(f"  OTLP {wanted.otlp}, desk at http://{wanted.api}", style="dim", highlight=False)
    return f"http://{wanted.api}"


def _configure_senders(wanted: Collector, scheme: str) -> None:
    """Put what our processes need to send to the collector into the environment: what the commands need is there."""
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"{scheme}://{wanted.otlp}"
    token, file = os.environ.get(TOKEN, "").strip(), os.environ.get(TOKEN_FILE, "").strip()
    if not token and file:
        token = next(iter(Path(file).expanduser().read_text("utf-8").split()), "")
    if token:
        os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization=Bearer%20{quote(token)}"
    if scheme == "https":
        given = {"CERTIFICATE": CERTIFICATE, "CLIENT_CERTIFICATE": CLIENT_CERTIFICATE, "CLIENT_KEY": CLIENT_KEY}
        for name, ours in given.items():
            if os.environ.get(ours):
                os.environ[f"OTEL_EXPORTER_OTLP_{name}"] = os.environ[ours]


def free_address() -> str:
    """Return an address of this machine that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _search(console: Console, gateway: str) -> str | None:
    """Make the five searches, show what each found, and return the trace of the one to be drawn."""
    table = Table.grid(padding=(0, 2))
    shown = None
    with GatewayClient(gateway) as client:
        for query in SEARCHES:
            started = time.monotonic()
            response, trace_id = client.search(SearchRequest(text=query, limit=4), 10.0)
            took = (time.monotonic() - started) * 1000
            names = ", ".join(result(match)["name"] for match in response.results)
            table.add_row(f"  [bold]{query}[/]", names, f"[dim]{took:.1f} ms[/]")
            shown = trace_id if query == SHOWN else shown
    console.print(table)
    return shown


def _draw(handle: telemetry.Telemetry, trace_id: str | None, api: str) -> None:
    handle.flush(5.0)
    if trace_id is None:
        raise PamazonError("The search left no trace.", "Unset OTEL_SDK_DISABLED, which switches telemetry off.")
    if not ShownTrace(trace_id, api).finish():
        raise PamazonError("The trace of the search cannot be shown.", f"Is the local collector still at {api}?")


def _stay(console: Console, processes: Processes) -> int:
    try:
        return stay(console, processes)
    except KeyboardInterrupt:
        console.print("\nPamazon closes.", style="dim")
        return 0


if __name__ == "__main__":
    sys.exit(main())
