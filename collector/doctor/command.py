"""The parser of `telemetry doctor`.

Every call of `telemetry` imports this module, so the work, with its heavier packages, is imported when it runs.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_DESCRIPTION = (
    "Send one marked trace, metric and log as a service with these OTEL_* variables does, query every backend for "
    "them, and report what is broken and how to fix it. Exit status: 0 if everything that was sent arrived, "
    "1 if something is broken, 2 for a mistake in this command."
)


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "doctor", help="check whether telemetry arrives, and what is broken", description=_DESCRIPTION
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS", help="how long to wait for arrival (default: 20)"
    )
    for name, what, default in (
        ("api", "the local collector's API", "127.0.0.1:4319"),
        ("jaeger", "Jaeger", "http://127.0.0.1:16686"),
        ("prometheus", "Prometheus", "http://127.0.0.1:9090"),
        ("victorialogs", "VictoriaLogs", "http://127.0.0.1:9428"),
        ("loki", "Loki", "http://127.0.0.1:3100"),
        ("otelcol", "the Collector's own metrics", "http://127.0.0.1:8888"),
    ):
        parser.add_argument(
            f"--{name}", metavar="URL", help=f"{what}; `none` skips it (default: {default}, if it listens there)"
        )
    parser.add_argument(
        "--header", action="append", default=[], metavar="BACKEND:NAME=VALUE", help="a header of every request to it"
    )
    parser.add_argument("--ca", type=Path, metavar="FILE", help="PEM file of the authority of backends' certificates")
    parser.add_argument("--data", type=Path, metavar="PATH", help="folder of a running stack (default: the usual one)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> int:
    """Run the checks and print what they found."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # the report has gRPC's errors
    from collector.doctor import doctor, options

    given = {name: getattr(args, name) for name in options.BACKENDS}
    report = doctor.run(
        options.Options(
            options.targets(given, environ),
            options.headers(args.header),
            options.authority(args.ca),
            args.timeout or options.TIMEOUT,
            environ,
            args.data,
        )
    )
    if args.json:
        sys.stdout.write(f"{report.json()}\n")
        return report.exit_status
    from collector.doctor.render import render
    from collector.local.render.text import make_console

    render(report, make_console())
    return report.exit_status


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 600")
    return seconds
