"""What is measured: a module each, with `measure(peer, …, calls=, addresses=)`, which returns figures by name.

They run in the environment of the library that they measure, and import nothing that is not there.
"""

from importlib import import_module
from typing import Any

from benchmarks.engine.peers import Addresses, Mode, Started


def library(peer: str) -> Any:
    """Import the module of a library; `before` is ours, found elsewhere."""
    return import_module(f"benchmarks.engine.peers.{'ours' if peer == 'before' else peer}")


def begin(peer: str, addresses: tuple[str, ...], mode: Mode = "on", **more: Any) -> Started:
    """Import a library and start it."""
    started: Started = library(peer).start(Addresses(*addresses), mode, **more)
    return started


def check(started: Started) -> None:
    """Fail where spans were lost: what is dropped costs less than what is exported."""
    if lost := started.lost():
        raise RuntimeError(f"{lost:,} spans were lost: the figure would flatter")
