"""`telemetry sentry DSN`: print what the Collector needs to send to Sentry, as two lines of a `.env` file."""

import argparse
import sys
from typing import Any

from telemetry.config import dsn
from telemetry.errors import TelemetryError


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "sentry", help="print the two variables that send traces and logs to Sentry through the Collector"
    )
    parser.add_argument("dsn", metavar="DSN", help="the project's address, from Sentry's Client Keys")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    try:
        parsed = dsn.parse(arguments.dsn)
    except ValueError as error:
        wrong, _, hint = str(error).partition("; ")
        raise TelemetryError(f"the DSN {wrong}", hint) from None
    sys.stdout.write(f"SENTRY_OTLP_ENDPOINT={parsed.otlp_endpoint}\nSENTRY_PUBLIC_KEY={parsed.public_key}\n")
    return 0
