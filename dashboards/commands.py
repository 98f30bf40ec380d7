"""The parsers of `telemetry dashboards build`, `check`, `publish` and `preview`, and of `telemetry desk`.

Every call of `telemetry` imports this module, so the work, with its heavier packages, is imported when a command runs.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telemetry.errors import TelemetryError

_DASHBOARDS = "Boards for Grafana, Perses and Sentry, and Prometheus' rules: generated from one source, and published."
_BUILD = "Write every generated file beside its source. It needs this project's checkout, and its development packages."
_CHECK = "Check that every generated file is up to date, and that boards and rules keep our rules for them."
_PUBLISH = (
    "Create or update folder, data sources and boards in Grafana, or boards and alerts in Sentry, and show what"
    " differs. Grafana's token is read from GRAFANA_TOKEN, Sentry's from SENTRY_AUTH_TOKEN."
)
_DESK = (
    "Serve the desk, a page of traces, on a store that no collector uses, until Ctrl-C. Without --store: show where the"
    " running collector serves it; if none runs, serve it on the default store."
)
_PREVIEW = "Serve a page with the boards on the data of any Prometheus, with no Grafana at hand, until Ctrl-C."


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `telemetry desk` and `telemetry dashboards`."""
    _add_desk(subparsers.add_parser("desk", help="the page of traces, in a browser", description=_DESK))
    parser = subparsers.add_parser("dashboards", help="boards for Grafana, Perses and Sentry", description=_DASHBOARDS)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = commands.add_parser("build", help="write the generated files", description=_BUILD)
    build.set_defaults(run=_build)
    check = commands.add_parser("check", help="check the generated files", description=_CHECK)
    check.set_defaults(run=_check)
    _add_publish(commands.add_parser("publish", help="publish to Grafana or Sentry", description=_PUBLISH))
    _add_preview(commands.add_parser("preview", help="show the boards on a page", description=_PREVIEW))


def _add_desk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, metavar="PATH", help="a store that no collector uses")
    parser.add_argument("--api", metavar="HOST:PORT", help="its address (default: a free port of this machine)")
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="tokens of readers, one a line")
    parser.set_defaults(run=_desk, leaves_nothing=True)  # until it listens; then it handles Ctrl-C itself


def _add_publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--grafana", metavar="URL", help="Grafana (http://127.0.0.1:3000)")
    parser.add_argument("--sentry", metavar="ORGANIZATION", help="to Sentry instead, to this organization")
    parser.add_argument("--project", help="with --sentry: publish alerts, too, for this project (SENTRY_PROJECT)")
    parser.add_argument("--dry-run", action="store_true", help="show what differs, and change nothing")
    parser.set_defaults(run=_publish)


def _add_preview(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prometheus", metavar="URL", default="http://127.0.0.1:9090", help="what answers the queries (%(default)s)"
    )
    parser.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:3001", help="its address (%(default)s)")
    parser.add_argument(
        "--jaeger",
        metavar="URL",
        default="http://127.0.0.1:16686",
        help="where traces are shown; '' is nowhere (%(default)s)",
    )
    parser.add_argument("--page", type=Path, metavar="FOLDER", help="the built page (default: by make dashboards-page)")
    parser.set_defaults(run=_preview, leaves_nothing=True)


def _build(_: argparse.Namespace) -> int:
    with _development_packages():
        from dashboards.checks.files import build

    return build()


def _check(_: argparse.Namespace) -> int:
    with _development_packages():
        from dashboards.checks.check import check

    return check()


@contextmanager
def _development_packages() -> Iterator[None]:
    """Say what is missing, where the packages that generate files are not installed."""
    try:
        yield
    except ModuleNotFoundError as missing:
        package = (missing.name or "").split(".")[0]
        raise TelemetryError(
            f"{package} is not installed: files are generated in this project's checkout alone.",
            "Run make env there, then .venv/bin/telemetry dashboards build.",
        ) from missing


def _publish(args: argparse.Namespace) -> int:
    from dashboards.publishing.command import publish

    return publish(args)


def _desk(args: argparse.Namespace) -> int:
    from dashboards.desk.command import desk

    return desk(args)


def _preview(args: argparse.Namespace) -> int:
    from dashboards.preview.command import preview

    return preview(args)
