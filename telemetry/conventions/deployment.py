"""The mark of a deployment: when a version began to serve."""

from typing import Final

from telemetry.conventions.kinds import Attribute, Instrument, LogEvent, Metric
from telemetry.conventions.resource import SERVICE_VERSION

SEARCH_DEPLOYMENT_VERSION: Final = Attribute(
    "search.deployment.version", "string", "The version that was deployed.", limit=8
)
DEPLOYMENT_TIME: Final = Metric(
    "search.deployment.time", Instrument.GAUGE, "s", "Unix time at which the process began to serve a version.",
    (SEARCH_DEPLOYMENT_VERSION,),
)  # fmt: skip
DEPLOYMENT: Final = LogEvent("deployment", "A process began to serve a version.", (SERVICE_VERSION,))
