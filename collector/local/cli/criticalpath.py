"""`telemetry criticalpath`: critical paths beside the real Collector, in the foreground until a signal ends it."""

import argparse

from rich.console import Console
from rich.text import Text

import telemetry
from collector.local.cli.collect import log_to_stderr, show
from collector.local.criticalpath.program import CriticalPathProgram, require_free
from collector.local.net.access import Access, tokens_from
from collector.local.render.text import glyphs_for, make_console
from collector.processes.ending import end_requested
from telemetry import conventions as c
from telemetry.errors import TelemetryError
from telemetry.recording import providers
from telemetry.setup.handle import Telemetry


def criticalpath(args: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; what is complete by then is counted and exported before the end."""
    console = make_console()
    access = Access(tokens_from(None), None, args.allow_anonymous)
    require_free(args.grpc, access)
    with log_to_stderr(), end_requested() as wait:
        exporting = telemetry.configure(c.CRITICAL_PATH_SERVICE, endpoint=args.endpoint, traces_exporter="none")
        own = providers.own_metrics()
        if own is None:
            raise TelemetryError(
                "No metrics would be exported: OTEL_METRICS_EXPORTER is none, or OTEL_SDK_DISABLED is true.",
                "Unset it.",
            )
        with CriticalPathProgram(args.grpc, own, access) as program:
            for line in _banner(program, exporting, console):
                show(console, line, soft_wrap=True)
            wait()
        exported = exporting.exit()
    show(console, _summary(program))
    return 0 if exported else 1


def _banner(program: CriticalPathProgram, exporting: Telemetry, console: Console) -> list[Text]:
    dot = glyphs_for(console).critical
    return [
        Text.assemble((f"{dot} ", "bold green"), ("search-telemetry criticalpath", "bold"), " is ready"),
        Text.assemble("  OTLP over gRPC  ", (program.address, "cyan")),
        Text.assemble("  metrics to      ", (exporting.settings.metrics_export.endpoint, "cyan")),
        Text("  Ctrl-C ends it.", "dim"),
    ]


def _summary(program: CriticalPathProgram) -> str:
    counted, skipped = program.counting.counted, program.counting.skipped
    reasons = ", ".join(f"{reason} {number:,}" for reason, number in skipped.most_common())
    return f"{counted:,} traces were counted" + (f", {skipped.total():,} were not: {reasons}." if reasons else ".")
