"""The critical path of finished traces: measured by the local collector and by `telemetry criticalpath`."""

from typing import Final

from telemetry.conventions.kinds import SECONDS, Attribute, Instrument, Metric
from telemetry.conventions.request import CLIENT_PLATFORM, CLIENT_REGION, SEARCH_OPERATION
from telemetry.conventions.stages import SEARCH_STAGE

CRITICAL_PATH_SERVICE: Final = "search-telemetry-collector"
"""The `service.name` of these metrics: they come from no process of the pipeline."""
STAGE_ENDPOINT: Final = "endpoint"
STAGE_SERVER: Final = "server"
STAGE_TRANSIT: Final = "transit"
STAGE_CLIENT: Final = "client"
STAGES_OF_CALLS: Final = (STAGE_ENDPOINT, STAGE_SERVER, STAGE_TRANSIT, STAGE_CLIENT)
"""The values of `search.stage` for spans that are not stages: an endpoint's own time; a server's around it; the way
between a client and its server; a call whose server sends no spans."""

SEARCH_CRITICAL_PATH_REASON: Final = Attribute(
    "search.critical_path.reason", "string", "Why a trace or a span does not count in the critical path.", limit=12
)
SEARCH_TRANSIT_DURATION: Final = Attribute(
    "search.transit.duration",
    "double",
    "Seconds on the way: the root CLIENT span without its SERVER child. Only in the local collector's answers.",
)

CRITICAL_PATH_TIME: Final = Metric(
    "search.critical_path.time", Instrument.COUNTER, "s",
    "Time that a stage was on the critical path of finished traces; sums to the durations of their roots.",
    (SEARCH_OPERATION, SEARCH_STAGE),
)  # fmt: skip
CRITICAL_PATH_SAVING: Final = Metric(
    "search.critical_path.saving", Instrument.COUNTER, "s",
    "How much shorter finished traces would be if the stage took no time.",
    (SEARCH_OPERATION, SEARCH_STAGE),
)  # fmt: skip
CRITICAL_PATH_SKIPPED: Final = Metric(
    "search.critical_path.skipped", Instrument.COUNTER, "{trace}", "Traces that do not count in the critical path.",
    (SEARCH_CRITICAL_PATH_REASON,),
)  # fmt: skip
CRITICAL_PATH_LOST: Final = Metric(
    "search.critical_path.lost", Instrument.COUNTER, "{span}",
    "Spans that do not count in the critical path: they came too late, or when the queue was full.",
    (SEARCH_CRITICAL_PATH_REASON,),
)  # fmt: skip
CRITICAL_PATH_SKEWED: Final = Metric(
    "search.critical_path.skewed", Instrument.COUNTER, "{span}",
    "SERVER spans that were moved into their CLIENT span, because the clocks of two hosts differ.", (),
)  # fmt: skip
TRANSIT_DURATION: Final = Metric(
    "search.transit.duration", Instrument.HISTOGRAM, "s",
    "Time on the way: the root CLIENT span without its SERVER child.",
    (SEARCH_OPERATION, CLIENT_PLATFORM, CLIENT_REGION), SECONDS,
)  # fmt: skip
