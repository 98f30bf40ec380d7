"""How each library is started, and what a call of it does. Nothing here is imported before it is measured.

A module has `start(sink, mode, **more)`, which returns `Started`; where its rpcs are measured also the interceptors.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal, NamedTuple

Mode = Literal["on", "unsampled", "off"]
"""Everything is recorded and exported; nothing is sampled; the library is switched off."""

ATTRIBUTES: Mapping[str, str | int] = {"runtime": "onnx", "device": "cpu", "top_k": 32}
"""The attributes of every span that is compared."""


class Addresses(NamedTuple):
    """Where the sink listens, by gRPC and by HTTP: `http://127.0.0.1:…`."""

    grpc: str
    http: str


def nothing(*_: Any) -> None:
    """Do nothing."""


class Call(NamedTuple):
    """What is measured: the cost of `run` less that of `bare`."""

    run: Callable[[], object]
    bare: Callable[[], object] = nothing


class Started(NamedTuple):
    """A library that runs: its calls by name, and what exports all that they left.

    `root`: a span of its own around many calls, as a request has one. `lost`: how many spans it gave up, where it
    tells.
    """

    calls: Mapping[str, Call]
    root: Callable[[], AbstractContextManager[object]]
    flush: Callable[[], object] = nothing
    lost: Callable[[], int] = lambda: 0
