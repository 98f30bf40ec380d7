"""The page of the boards as a program of `telemetry stack up`, on the data of its Prometheus.

In: the stack's addresses. Out: a `Program`, which the stack finds by an entry point. State: none.
"""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from collector.stack.programs.asking import answers_http
from collector.stack.programs.program import Place, Port
from dashboards.preview import bundle

_PACKAGES: Final = ("httpx", "starlette", "uvicorn")
"""Packages of the extra `dashboards`, which the stack itself does without."""


class Boards:
    """The page, from the Python that runs the stack."""

    name = "boards"
    ports = (Port("web", 3001, "Boards", "http://"),)

    def prepare(self, place: Place) -> None:
        """Nothing: it stores nothing."""

    def command(self, place: Place) -> Sequence[str]:
        """The command as a user types it."""
        prometheus = f"http://{place.address('prometheus', 'web')}"
        listen = place.address(self.name, "web")
        preview = ("dashboards", "preview", "--prometheus", prometheus, "--listen", listen)
        jaeger = f"http://{place.address('jaeger', 'query')}" if "jaeger.query" in place.ports else ""
        return [sys.executable, "-m", "telemetry", *preview, "--jaeger", jaeger]

    def environment(self, place: Place) -> Mapping[str, str]:  # noqa: ARG002 (a Program's)
        """Nothing: all is on the command line."""
        return {}

    def is_ready(self, place: Place) -> bool:
        """By its list of boards."""
        return answers_http(place.address(self.name, "web"), "/api/boards")


def boards() -> Boards | None:
    """Return the program, if the page is built, and the packages that serve it are installed."""
    can_run = bundle.is_built() and all(importlib.util.find_spec(name) for name in _PACKAGES)
    return Boards() if can_run else None
