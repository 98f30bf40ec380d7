"""The options of the benchmarks that play incidents, and how their reports state them."""

import argparse

from benchmarks.machine import machine


def add(parser: argparse.ArgumentParser, *, names: str, seconds: float, index_rate: float) -> None:
    """Add the options.

    Args:
        parser: of the benchmark.
        names: which incidents are played unless some are named.
        seconds: how long each lasts, unless given.
        index_rate: index requests a second, unless given.
    """
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"incidents (default: {names})")
    parser.add_argument("--seconds", type=float, default=seconds, help="of each incident and baseline (%(default)s)")
    parser.add_argument("--rate", type=float, default=20.0, help="searches a second (%(default)s)")
    parser.add_argument("--index-rate", type=float, default=index_rate, help="index requests a second (%(default)s)")


def described(arguments: argparse.Namespace) -> str:
    """Return the machine, the load and the time of each incident, in a sentence."""
    load = f"{arguments.rate:g} searches and {arguments.index_rate:g} index requests a second"
    return f"{machine()}; {load}, {arguments.seconds:g} s for each incident and each baseline."
