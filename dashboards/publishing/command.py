"""`telemetry dashboards publish`."""

import argparse
import os
from typing import Final

from dashboards.publishing import to_grafana, to_sentry
from dashboards.publishing.grafana import Grafana
from dashboards.publishing.sentry import Sentry
from dashboards.publishing.steps import report
from telemetry.errors import TelemetryError

GRAFANA: Final = "http://127.0.0.1:3000"
"""Grafana's address, unless another one is given."""


def publish(args: argparse.Namespace) -> int:
    """Publish, and print what was done; return the exit status."""
    if args.sentry and args.grafana is not None:
        raise TelemetryError("--sentry and --grafana are two places.", "Publish to one, then to the other.")
    if args.project and not args.sentry:
        raise TelemetryError("--project is a project of Sentry.", "Name the organization, too: --sentry ORGANIZATION.")
    if args.sentry:
        return _to_sentry(args)
    hint = "In Grafana: Administration, Users and access, Service accounts. Then: export GRAFANA_TOKEN=…"
    grafana = Grafana(GRAFANA if args.grafana is None else args.grafana, _token("GRAFANA_TOKEN", hint))
    where = f"Grafana {grafana.version()} at {grafana.url}"
    report(where, to_grafana.publish(grafana, os.environ, dry_run=args.dry_run), dry_run=args.dry_run)
    return 0


def _to_sentry(args: argparse.Namespace) -> int:
    hint = "In Sentry: Settings, Auth Tokens, with the scopes org:read, org:write, alerts:write, project:read."
    token = _token("SENTRY_AUTH_TOKEN", f"{hint} Then: export SENTRY_AUTH_TOKEN=…")
    sentry = Sentry(os.environ.get("SENTRY_URL") or "https://sentry.io", args.sentry, token)
    steps = to_sentry.publish(sentry, args.project or os.environ.get("SENTRY_PROJECT", ""), dry_run=args.dry_run)
    report(f"Sentry at {sentry.url}, organization {args.sentry}", steps, dry_run=args.dry_run)
    return 0


def _token(variable: str, hint: str) -> str:
    token = os.environ.get(variable, "").strip()
    if not token:
        raise TelemetryError(f"{variable} is not set.", hint)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise TelemetryError(f"{variable} has characters that no token has.", "Copy the token again.")
    return token
