"""Which incident is active in this process, and what it does at each place where it acts.

In: starts and stops; the deadline. Out: waits and changed values, at each place of an executor that asks. State: the
active incident and its deadline by the monotonic clock, owned by `ACTIVE`.

A place costs one comparison while no incident is active.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Final

from opentelemetry import baggage

from demo_flow.incidents.table import INCIDENTS, Incident


class Active:
    """At most one incident. `extras` are what more it does while it lasts: a block by the incident's place."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._incident: Incident | None = None
        self._ends = 0.0
        self._stack = ExitStack()
        self.extras: dict[str, Callable[[Incident], AbstractContextManager[object]]] = {}

    def start(self, name: str, seconds: float) -> None:
        """Start an incident; the one that is active ends."""
        self.stop()
        incident = INCIDENTS[name]
        extra = self.extras.get(incident.place)
        if extra is not None:
            self._stack.enter_context(extra(incident))
        self._ends = self._clock() + seconds
        self._incident = incident

    def stop(self) -> None:
        """End what is active."""
        self._incident = None
        self._stack.close()

    def seconds_left(self) -> float:
        """Return how long the incident lasts; 0 without one."""
        return max(0.0, self._ends - self._clock()) if self.now() is not None else 0.0

    def now(self) -> Incident | None:
        """Return the incident, unless its time is over."""
        if self._incident is not None and self._clock() >= self._ends:
            self._incident = None  # `stop`, which the server calls then, ends the rest
        return self._incident

    def at(self, place: str) -> Incident | None:
        """Return the incident if it acts at `place` on the current request."""
        if self._incident is None:
            return None
        incident = self.now()
        if incident is None or incident.place != place:
            return None
        asked = {"client.region": incident.region, "client.platform": incident.platform}
        concerned = all(wanted is None or baggage.get_baggage(key) == wanted for key, wanted in asked.items())
        return incident if concerned else None


ACTIVE: Final = Active()
"""What is active in this process."""
