"""`telemetry desk`: serves the page on a store without a collector, until a signal ends the process.

In: the command's arguments. Out: the page, at the address that is printed. State: the store, opened for reading; the
port.
"""

import argparse
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console
from rich.text import Text

from collector.local.cli.client import DEFAULT_API, default_store
from collector.local.errors import CollectorError, StoreError, sentence
from collector.local.net.access import Access, tokens_from
from collector.local.net.listen import bind, reachable
from collector.local.net.log_limiter import LogLimiter
from collector.local.net.loop_thread import LoopThread
from collector.local.server import Addresses, Ports, find_places
from collector.local.settings import CollectorSettings
from collector.local.stats import CollectorStats, Counters
from collector.local.store.store import Store
from collector.processes.ending import end_requested
from telemetry.errors import TelemetryError

_STOP_S: Final = 3.0


class StoreAlone:
    """A store without a collector, for the API."""

    problem = ""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def store(self) -> Store:
        """The open store."""
        return self._store

    def stats(self) -> CollectorStats:
        """The statistics of a collector that has received nothing."""
        signals = Counters().snapshot()
        return CollectorStats(signals, 0, 0, 0, "", self._store.size(), None, None)

    def receives(self) -> tuple[str, str]:
        """No addresses: nothing arrives."""
        return "", ""

    def suspect(self) -> None:
        """Nothing: only a collector replaces a damaged store."""


def desk(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C or SIGTERM; return the exit status.

    Raises:
        TelemetryError: the store cannot be opened, the port is taken, an option is wrong.
    """
    try:
        if args.store is None and args.api is None and (running := _running()):
            return _show_running(args, running)
        return _serve(args)
    except CollectorError as error:
        raise TelemetryError(sentence(error.message), sentence(error.hint)) from error


def _serve(args: argparse.Namespace) -> int:
    path: Path = args.store or default_store()
    access = Access(tokens_from(args.token_file))
    settings = CollectorSettings()
    place = find_places(Addresses(None, None, args.api or "127.0.0.1:0"), access).api
    if place is None:  # an address was given
        raise StoreError("there is no address to listen on", "give one: --api HOST:PORT")
    with ExitStack() as stack:
        listening = stack.enter_context(bind(place))
        store = Store.open(path, read_only=True, settings=settings)
        stack.callback(store.close)
        wait = stack.enter_context(end_requested())
        thread = LoopThread("desk")
        stack.callback(thread.stop, _STOP_S)
        stack.callback(store.changed.close)  # first: it ends the requests that wait
        address = Ports(access, settings, LogLimiter()).open_api(thread, StoreAlone(store), listening, "store")
        address = reachable(address)
        _show("●", "bold green", f"desk at http://{address}  Ctrl-C ends it.")
        _show(" ", "", f"store {path}, as it is now")
        if args.open:
            webbrowser.open(f"http://{address}")
        wait()
    return 0


def _running() -> str:
    """Return the address of the collector that runs at the default address; empty where none does."""
    url = f"http://{DEFAULT_API}"
    try:
        answer = httpx.get(f"{url}/api/health", timeout=2, trust_env=False)
    except httpx.HTTPError:
        return ""
    return url if answer.status_code == 200 else ""


def _show_running(args: argparse.Namespace, url: str) -> int:
    _show("●", "bold green", f"desk at {url}  The collector that runs serves it.")
    if args.open:
        webbrowser.open(url)
    return 0


def _show(mark: str, style: str, line: str) -> None:
    Console(highlight=False).print(Text.assemble((f"{mark} ", style), line), soft_wrap=True)
