"""`telemetry dashboards preview`."""

import argparse

from telemetry.errors import TelemetryError


def preview(args: argparse.Namespace) -> int:
    """Serve the page."""
    raise TelemetryError(f"{args.listen}: the page follows.", "Open the boards in Grafana.")
