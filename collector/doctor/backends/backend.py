"""The interface of a backend."""

from collections.abc import Sequence
from typing import Protocol

from collector.doctor.finding import Cause, Finding
from collector.doctor.network.api import Api
from collector.doctor.samples import Marked
from telemetry.conventions import Signal

ITEMS: dict[Signal, str] = {"traces": "trace", "metrics": "metric", "logs": "log"}
"""The name of one item in the report."""


class Backend(Protocol):
    """One kind of backend."""

    @property
    def name(self) -> str:
        """Its name in the report."""

    @property
    def holds(self) -> Sequence[Signal]:
        """The signals that it stores."""

    def identify(self, api: Api) -> None:
        """Check that it is this backend. Raises `TroubleError`."""

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:
        """Query once for what was sent; return a description, None if it has not arrived (yet).

        Raises `TroubleError`.
        """

    def missing(self, api: Api, signal: Signal) -> Cause:
        """Return why it did not arrive, as far as the backend knows. Raises `TroubleError`."""

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:
        """Run further checks, once it is known whether everything `arrived`. Raises `TroubleError`."""
