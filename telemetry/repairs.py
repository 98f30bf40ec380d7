"""Counts values that could not be exported as they were given; the metric is `search.telemetry.repaired`.

The first one is logged as a warning, without a stack trace.
"""

import logging

_log = logging.getLogger("search_telemetry")


class Repairs:
    """How many values were repaired or left out."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def add(self, what: str) -> None:
        """Count one value; `what` is the problem, without any part of the value."""
        self.count += 1
        if self.count == 1:
            _log.warning(
                "telemetry was given %s, which was repaired or left out; search.telemetry.repaired counts such values "
                "(logged once)",
                what,
            )


repairs = Repairs()
