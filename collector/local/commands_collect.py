"""`telemetry collect`: the local collector in the foreground.

In: addresses and a path. Out: a banner when exports are taken, a summary at the end. Owns the collector until a signal
ends it.
"""

import argparse
import signal
import threading
from collections.abc import Iterator
from contextlib import closing

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.local.client import default_store
from collector.local.query import store_stats
from collector.local.render_text import clean, glyphs_for, make_console
from collector.local.server import LocalCollector
from collector.local.stats import CollectorStats

_ENDING = (signal.SIGINT, signal.SIGTERM)


def collect(args: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; what was acknowledged is stored before the end."""
    console = make_console()
    asked_to_end = threading.Event()
    before = {number: signal.signal(number, lambda *_: asked_to_end.set()) for number in _ENDING}
    collector = LocalCollector(args.store or default_store(), grpc=args.grpc, http=args.http, api=args.api)
    try:
        collector.start()
        for line in _banner(collector, args, console):
            console.print(line, soft_wrap=True)
        asked_to_end.wait()
        console.print(Text("Storing what has arrived …" if glyphs_for(console).ellipsis == "…" else "Ending", "dim"))
        ended = collector.stop()
    finally:
        collector.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    console.print(_summary(collector.stats(), console))
    return 0 if ended else 1


def _banner(collector: LocalCollector, args: argparse.Namespace, console: Console) -> Iterator[Text]:
    addresses = collector.addresses
    with closing(collector.store.reader()) as connection:
        held = store_stats(connection)
    dot, separator = glyphs_for(console).critical, glyphs_for(console).separator
    yield Text.assemble((f"{dot} ", "bold green"), ("search-telemetry collector", "bold"), " is ready")
    rows = (
        ("OTLP over gRPC", str(addresses.grpc), ""),
        ("OTLP over HTTP", f"http://{addresses.http}", ""),
        ("query API", f"http://{addresses.api}/api/traces", ""),
        ("store", clean(args.store or default_store()), f"  {held.traces} traces {separator} {held.spans} spans"),
    )
    for name, value, note in rows:
        yield Text.assemble(f"  {name:<16}", (value, "cyan"), (note, "dim"))
    yield Text()
    yield Text.assemble(("  Elsewhere: ", "dim"), "telemetry trace last", ("    Ctrl-C ends it.", "dim"))


def _summary(stats: CollectorStats, console: Console) -> Table:
    columns = ("received", "stored", "duplicate", "rejected", "refused", "malformed")
    lines = box.SIMPLE_HEAD if glyphs_for(console).branch == "├" else box.ASCII2
    table = Table(box=lines, show_edge=False, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    for signal_name, figures in stats.signals.items():
        table.add_row(signal_name, *(f"{getattr(figures, name):,}" for name in columns))
    return table
