"""Knows when senders are due, so that a transaction can wait for those who come soon.

In: exports, as the writer takes them, and when they were answered. Out: how long to wait for others. State: of each
sender, how long it paused before its latest export, and when the next one is due. Used by the writing thread only.

Who exports at an interval waits for it once it is answered. So senders that were answered together come together from
then on, and wait a few milliseconds for each other.
"""

from __future__ import annotations

import math

from collector.local.intake.export import Export

MOST_SENDERS = 64
"""More send so often that exports gather by themselves."""
BUSY_S = 0.05
"""Who pauses for less has more to send, and is not kept waiting; nor is who sends for the first time, and may be a
program that ends with it."""
LATE_S = 0.05
"""Who is later than that is not waited for any longer."""


class Rhythm:
    """The pauses of senders of spans and logs, whom their resources tell apart."""

    def __init__(self) -> None:
        self._answered: dict[tuple[str, int], float] = {}
        self._due: dict[tuple[str, int], float] = {}
        self._here: dict[tuple[str, int], float] = {}
        """Those of the transaction that gathers, with the pause before."""
        self._in_haste = False

    def came(self, export: Export, now: float) -> None:
        """An export is in the transaction that gathers."""
        sender = next(iter(export.decoded.resources), None)
        if sender is None or export.signal.name == "metrics":
            return
        key = (export.signal.name, sender)
        pause = self._here[key] = now - self._answered.get(key, -math.inf)
        self._in_haste |= not BUSY_S <= pause < math.inf
        self._due.pop(key, None)

    def wait(self, now: float, until: float) -> float:
        """How long to wait for senders who are due, in seconds, at most until then; 0 if there are none."""
        if self._in_haste or now >= until:
            return 0.0
        awaited = [due for due in self._due.values() if now - LATE_S < due < until]
        return min(max(awaited) + LATE_S, until) - now if awaited else 0.0

    def answered(self, now: float) -> None:
        """All who were in the transaction have their answer."""
        if len(self._answered) > MOST_SENDERS:
            self._answered.clear()
            self._due.clear()
        for key, pause in self._here.items():
            self._answered[key] = now
            self._due[key] = now + pause
        self._here.clear()
        self._in_haste = False
