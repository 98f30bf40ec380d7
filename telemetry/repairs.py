"""Counts the values that cannot leave as they were given.

In: what was wrong, from any thread. Out: one warning in the life of the process, without a stack; a count, which is
`search.telemetry.repaired`. State: the count, owned by the one `repairs` of the process.
"""

import logging

_log = logging.getLogger("search_telemetry")


class Repairs:
    """How many values were repaired or left out."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def add(self, what: str) -> None:
        """Count one value; `what` was wrong with it, in words that repeat nothing of it."""
        self.count += 1
        if self.count == 1:
            _log.warning(
                "telemetry was given %s, and repaired it or left it out; search.telemetry.repaired counts such values "
                "(logged once)",
                what,
            )


repairs = Repairs()
