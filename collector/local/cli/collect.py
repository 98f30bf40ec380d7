"""`telemetry collect`: runs the local collector in the foreground until a signal ends it."""

import argparse
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.local.amounts import age_text, parse_age, parse_size, size_text
from collector.local.cli.client import default_store
from collector.local.errors import SettingsError
from collector.local.net.access import Access, tokens_from
from collector.local.net.listen import reachable
from collector.local.net.log_limiter import failed_handshakes_limited
from collector.local.net.origins import ANY, Origins
from collector.local.net.tls import PAIR, Tls
from collector.local.page.found import find_page
from collector.local.query import store_stats
from collector.local.render.tables import Column, table
from collector.local.render.text import clean, glyphs_for, make_console
from collector.local.server import LocalCollector, tune_interpreter
from collector.local.settings import MIN_STORE_BYTES, CollectorSettings
from collector.local.stats import CollectorStats
from collector.processes.ending import end_requested
from telemetry.cli import output_lost
from telemetry.otlp.target import is_loopback


def collect(args: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; exports that were acknowledged are stored before the end."""
    console = make_console()
    access = access_of(args)
    settings = settings_of(args)
    tune_interpreter()
    store = args.store or default_store()
    collector = LocalCollector(store, args.grpc, args.http, args.api, settings, access=access, paths_in_process=True)
    with ExitStack() as ending:
        wait = ending.enter_context(end_requested())
        if access.tls:
            ending.enter_context(failed_handshakes_limited())
        ending.enter_context(log_to_stderr())
        ending.callback(collector.stop)
        collector.start()
        for line in _banner(collector, args, console):
            show(console, line, soft_wrap=True)
        wait()
        show(console, Text("Storing …" if glyphs_for(console).ellipsis == "…" else "Storing", "dim"))
        ended = collector.stop()
    stats = collector.stats()
    show(console, _summary(stats, console))
    if unauthorized := sum(figures.unauthorized for figures in stats.signals.values()):
        show(console, f"{unauthorized:,} exports were refused: they had no valid token.", style="dim")
    for note in _rejected_and_repaired(stats):
        show(console, note, style="dim")
    if expired := sum(figures.expired for figures in stats.signals.values()):
        show(console, f"{expired:,} of the oldest records were deleted: --retention, --max-size.", style="dim")
    return 0 if ended else 1


def show(console: Console, what: Any, **options: Any) -> None:
    """Print; if the output cannot be written, report that once and continue."""
    try:
        console.print(what, **options)
    except OSError as error:
        output_lost(error)


def settings_of(args: argparse.Namespace) -> CollectorSettings:
    """The limits of the options.

    Raises:
        SettingsError: one is not an age, not a size, or too small.
    """
    max_store_bytes = parse_size(args.max_size, "max-size")
    if max_store_bytes is not None and max_store_bytes < MIN_STORE_BYTES:
        least = size_text(MIN_STORE_BYTES)
        raise SettingsError(f"--max-size must be at least {least}, got {args.max_size}", "DuckDB needs that much")
    return CollectorSettings(retention_s=parse_age(args.retention, "retention"), max_store_bytes=max_store_bytes)


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Show the collector's log on standard error inside the block."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger = logging.getLogger("collector")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def access_of(args: argparse.Namespace) -> Access:
    """Access control by the options and the environment.

    Raises:
        SettingsError: a file is invalid or missing.
    """
    tls = None
    if args.tls_cert and args.tls_key:
        tls = Tls(args.tls_cert, args.tls_key, args.tls_client_ca)
    elif args.tls_cert or args.tls_key or args.tls_client_ca:
        missing = "--tls-key" if args.tls_cert else "--tls-cert"
        raise SettingsError(f"{missing} is missing", PAIR)
    return Access(tokens_from(args.token_file), tls, args.allow_anonymous, Origins.of(args.allow_origin))


def _banner(collector: LocalCollector, args: argparse.Namespace, console: Console) -> Iterator[Text]:
    addresses = collector.addresses
    with closing(collector.store.reader()) as connection:
        held = store_stats(connection)
    scheme = "https" if collector.access.tls else "http"
    dot, separator = glyphs_for(console).critical, glyphs_for(console).separator
    yield Text.assemble((f"{dot} ", "bold green"), ("search-telemetry collector", "bold"), " is ready")
    limits = collector.settings
    age, size = age_text(limits.retention_s), size_text(limits.max_store_bytes)
    has_desk = find_page() and addresses.api
    desk = [("desk", f"{scheme}://{reachable(str(addresses.api))}", "  in a browser")] if has_desk else []
    rows = (
        *desk,
        ("OTLP over gRPC", str(addresses.grpc), ""),
        ("OTLP over HTTP", f"{scheme}://{addresses.http}", ""),
        ("query API", f"{scheme}://{addresses.api}/api/traces", ""),
        ("store", clean(args.store or default_store()), f"  {held.traces} traces {separator} {held.spans} spans"),
        ("kept", f"age {age} {separator} size {size}", "  oldest are deleted first"),
        ("access", _credentials(collector.access), ""),
    )
    for name, value, note in rows:
        line = Text.assemble(f"  {name:<16}", (value, "cyan"), (note, "dim"))
        parts = [Text.assemble("    ", part) for part in ((value, "cyan"), (note.strip(), "dim")) if part[0]]
        helps = console.width < min(60, line.cell_len) and console.width >= max(part.cell_len for part in parts)
        yield from [Text(f"  {name}"), *parts] if helps else [line]
    for warning in _warnings(collector):
        yield Text(f"  {glyphs_for(console).error} {warning}", "yellow")
    yield Text()
    advice = Text.assemble(("  In another terminal: ", "dim"), "telemetry trace last")
    ending = Text("  Ctrl-C ends it.", "dim")
    yield from [Text.assemble(advice, "  ", ending)] if console.width >= 60 else [advice, ending]


def _credentials(access: Access) -> str:
    """What callers must send."""
    certificate = access.tls is not None and access.tls.client_ca is not None
    asked = ["a token"] * (access.tokens is not None) + ["a client certificate"] * certificate
    return f"with {' and '.join(asked)}" if asked else "without a token"


def _warnings(collector: LocalCollector) -> Iterator[str]:
    """Warnings about options that open the collector to others."""
    addresses = (collector.addresses.grpc, collector.addresses.http, collector.addresses.api)
    beyond = [a for a in addresses if a and not is_loopback(a)]
    if beyond and not collector.access.authenticates:
        yield f"everyone who reaches {', '.join(beyond)} can send and read (--allow-anonymous)"
    if ANY in collector.access.origins.named and not collector.access.authenticates:
        yield "any web page in a browser on this machine can send (--allow-origin '*')"
    if beyond and collector.access.tokens and not collector.access.tls:
        yield "tokens are sent in plain text to other machines: use --tls-cert and --tls-key"


def _summary(stats: CollectorStats, console: Console) -> Table:
    """The counts by signal; if there is no room for all, without those that are zero."""
    counts = ("received", "stored", "duplicate", "rejected", "refused", "malformed")
    figures = stats.signals.values()
    columns = [Column("")]
    columns += [
        Column(name, is_number=True, rank=0 if any(getattr(of, name) for of in figures) else place)
        for place, name in enumerate(counts)
    ]
    rows = [
        [Text(signal_name), *(Text(f"{getattr(of, name):,}") for name in counts)]
        for signal_name, of in stats.signals.items()
    ]
    return table(console, columns, rows)


def _rejected_and_repaired(stats: CollectorStats) -> Iterator[str]:
    """What was rejected and repaired, by reason."""
    for name, what in (("rejected_by", "rejected, and reported to their senders"), ("repaired_by", "repaired")):
        reasons = Counter[str]()
        for figures in stats.signals.values():
            reasons.update(getattr(figures, name))
        if reasons:
            listed = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
            yield f"{reasons.total():,} records were {what}: {listed}."
