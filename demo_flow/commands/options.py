"""Values of the command line that several commands take: addresses, numbers in a range, the data folder."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from demo_flow.flow import Argument, Role

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 (its only name)


def address(text: str) -> str:
    """Take `HOST:PORT`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address; write HOST:PORT, such as 127.0.0.1:8080")
    return text


NO_PAGE = "none"
"""The address of a page that is not served."""


def page_address(text: str) -> str:
    """Take `HOST:PORT`, or `none`."""
    return text if text == NO_PAGE else address(text)


def page_of(role: "Role", listen: str, given: str | None) -> str | None:
    """Return where a role's page is, if anywhere: at the address that was given, else at its own port.

    A role at any free port has its page at any free port.
    """
    if given == NO_PAGE or not role.page:
        return None
    host, _, port = listen.rpartition(":")
    return given or (f"{host}:0" if port == "0" else role.page)


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


def between(least: float, most: float) -> Callable[[str], float]:
    """Take a number from `least` to `most`, a whole one where these are."""
    whole = isinstance(least, int) and isinstance(most, int)
    form = r"[0-9]{1,9}" if whole else r"[0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9}"

    def number(text: str) -> float:
        value = float(text) if re.fullmatch(form, text, re.ASCII) else None
        if value is None or not least <= value <= most:
            kind = "whole number" if whole else "number"
            raise argparse.ArgumentTypeError(f"{text!r} is not a {kind} from {least:,} to {most:,}")
        return int(value) if whole else value

    return number


def label(text: str) -> str:
    """Take the label of a version: it is a value of metrics, and part of a line in the terminal."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.+-]{0,63}", text, re.ASCII):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a version; use at most 64 letters, digits, and . _ + -, a letter or digit first"
        )
    return text


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
    whole = isinstance(argument.default, int)
    kind: Callable[[str], object] = between(*argument.within) if argument.within else int if whole else str
    metavar = "N" if whole else "VALUE"
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
