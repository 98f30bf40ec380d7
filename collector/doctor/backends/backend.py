"""What the doctor needs of a backend.

In: its API, the marks. Out: what of it arrived; why not, as far as the backend knows. State: none.
"""

from collections.abc import Sequence
from typing import Protocol

from collector.doctor.asking import Api
from collector.doctor.finding import Cause, Finding
from collector.doctor.marked import Marked
from telemetry.conventions import Signal

ITEMS: dict[Signal, str] = {"traces": "trace", "metrics": "metric", "logs": "log"}
"""What one is called in a line of the report."""


class Backend(Protocol):
    """One kind of backend."""

    @property
    def name(self) -> str:
        """As people call it."""

    @property
    def holds(self) -> Sequence[Signal]:
        """What it keeps."""

    def greet(self, api: Api) -> None:
        """See that it is what it is taken for. Raises `TroubleError`."""

    def find(self, api: Api, signal: Signal, marked: Marked) -> str | None:
        """Look once for what was sent: what is to be said of it, None where it is not there (yet).

        Raises `TroubleError`.
        """

    def missing(self, api: Api, signal: Signal) -> Cause:
        """Why it did not come, as far as can be told here. Raises `TroubleError`."""

    def more(self, api: Api, *, arrived: bool) -> list[Finding]:
        """Further checks, once it is known whether everything that was looked for `arrived`. Raises `TroubleError`."""
