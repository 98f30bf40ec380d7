"""Parsers of `telemetry stack build`, `lock`, `up`, `down` and `status`.

Every call of `telemetry` imports this module, so the work, with its heavier packages, is imported when a command runs.
"""

import argparse
from pathlib import Path

from telemetry.errors import did_you_mean


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `telemetry stack`."""
    parser = subparsers.add_parser(
        "stack", help="the OpenTelemetry Collector with Jaeger, Prometheus, VictoriaLogs and others", description=_STACK
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_build(commands.add_parser("build", help="build what is not in the cache", description=_BUILD))
    lock = commands.add_parser("lock", help="regenerate the Collector's go.mod and go.sum", description=_LOCK)
    lock.set_defaults(run=_lock)
    _add_up(commands.add_parser("up", help="start a stack in the foreground", description=_UP))
    for name, brief, run in (
        ("down", "end the running stack", _down),
        ("status", "show whether each program is ready", _status),
    ):
        command = commands.add_parser(name, help=brief, description=f"{brief.capitalize()}.")
        _add_data(command)
        command.set_defaults(run=run)


_STACK = (
    "The real Collector, Jaeger, Prometheus, VictoriaLogs, Alertmanager and Kafka: built from source, run as processes."
)
_BUILD = "Build programs into the cache; those in the cache are skipped. The first time takes about 20 minutes."
_LOCK = "After an edit of the Collector's builder.yaml: resolve its modules and write go.mod and go.sum beside it."
_UP = "Start the real programs, wait until all are ready, print their addresses, and run until Ctrl-C."


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all)")
    parser.set_defaults(run=_build)


def _add_up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        type=_profile,
        default="minimal",
        help="minimal: traces and metrics; full: logs and alerts too; scale: agent, Kafka, two gateways that sample; "
        "gateways: that without Kafka (%(default)s)",
    )
    parser.add_argument(
        "--port", action="append", type=_port, default=[], metavar="PROGRAM.USE=PORT", help="another port"
    )
    _add_data(parser)
    parser.set_defaults(run=_up)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="its folder (default: in your data directory)")


def _profile(text: str) -> str:
    from collector.stack.profiles import PROFILES

    if text not in PROFILES:
        wrong = f"{text!r} is not one of {', '.join(PROFILES)}"
        raise argparse.ArgumentTypeError(f"{wrong}\n{did_you_mean(text, PROFILES)}")
    return text


def _port(text: str) -> tuple[str, int]:
    key, _, port = text.partition("=")
    if not key or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not like jaeger.query=17000")
    return key, int(port)


def _build(args: argparse.Namespace) -> int:
    from collector.stack.build import build

    build(args.names)
    return 0


def _lock(_: argparse.Namespace) -> int:
    from collector.stack.build import lock

    lock()
    return 0


def _up(args: argparse.Namespace) -> int:
    from collector.stack.foreground import up

    return up(args.profile, dict(args.port), args.data)


def _down(args: argparse.Namespace) -> int:
    from collector.stack.foreground import down

    return down(args.data)


def _status(args: argparse.Namespace) -> int:
    from collector.stack.foreground import status

    return status(args.data)
