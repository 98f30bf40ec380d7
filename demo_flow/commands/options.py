"""Values of the command line that several commands take: addresses, numbers in a range, the data folder."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from demo_flow.flow import Argument

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 (its only name)


def address(text: str) -> str:
    """Take `HOST:PORT`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address; write HOST:PORT, such as 127.0.0.1:8080")
    return text


def at_least(least: float, kind: type[float] | type[int] = float) -> Callable[[str], float]:
    """Take a number of `kind` from `least` up."""

    def number(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not value >= least or value == float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {least} or more")
        return value

    return number


def data_folder() -> Path:
    """Return the folder where Pamazon keeps index and logs."""
    import platformdirs

    return platformdirs.user_data_path("search-telemetry") / "pamazon"


def add_argument(parser: argparse.ArgumentParser, option: str, argument: "Argument", dest: str) -> None:
    """Add an argument of a role as `--option`, kept as `dest`."""
    name = f"--{option.replace('_', '-')}"
    if argument.default is False:
        parser.add_argument(name, dest=dest, action="store_true", help=argument.help)
        return
    kind = int if isinstance(argument.default, int) else str
    metavar = "N" if kind is int else "VALUE"
    parser.add_argument(name, dest=dest, type=kind, default=argument.default, metavar=metavar, help=argument.help)


def add_gateway(parser: argparse.ArgumentParser) -> None:
    """Add `--gateway`."""
    from demo_flow.flow import GATEWAY

    parser.add_argument(
        "--gateway",
        type=address,
        default=GATEWAY.address,
        metavar="HOST:PORT",
        help="address of the gateway (%(default)s)",
    )
