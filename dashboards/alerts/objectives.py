"""The service level objectives: the share of requests that must be good, by operation.

In: nothing. Out: objectives. State: none. Change one here, then run `telemetry dashboards build`.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from telemetry import conventions as c


class Slo(Enum):
    """The kinds of objectives, with their values of the label `slo`."""

    AVAILABILITY = "availability"
    LATENCY_SERVER = "latency_server"
    LATENCY_CLIENT = "latency_client"


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective for one operation.

    Attributes:
        slo: its kind.
        operation: of which requests.
        share: of them that must be good, below 1.
        within: seconds in which a good request is answered, a bound of the histogram's buckets; None: not about time.
    """

    slo: Slo
    operation: str
    share: float
    within: float | None = None

    @property
    def metric(self) -> c.Metric:
        """The histogram that counts the requests."""
        return c.CLIENT_DURATION if self.slo is Slo.LATENCY_CLIENT else c.REQUEST_DURATION


OBJECTIVES: Final = (
    Objective(Slo.AVAILABILITY, "search", 0.999),
    Objective(Slo.AVAILABILITY, "index", 0.995),
    Objective(Slo.LATENCY_SERVER, "search", 0.99, within=0.5),
    Objective(Slo.LATENCY_SERVER, "index", 0.99, within=5.5),
    Objective(Slo.LATENCY_CLIENT, "search", 0.99, within=1.25),
    Objective(Slo.LATENCY_CLIENT, "index", 0.99, within=10.5),
)
