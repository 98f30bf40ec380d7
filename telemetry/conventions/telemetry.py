"""What the telemetry reports about itself."""

from typing import Final

from telemetry.conventions.kinds import SECONDS, Attribute, Instrument, Metric
from telemetry.conventions.request import ERROR_TYPE

TELEMETRY_SIGNAL: Final = Attribute("search.telemetry.signal", "string", "`spans`, `metrics` or `logs`.", limit=3)
TELEMETRY_REASON: Final = Attribute("search.telemetry.reason", "string", "Why items were dropped.", limit=5)
TELEMETRY_ATTRIBUTE: Final = Attribute(
    "search.telemetry.attribute", "string", "The attribute over its limit.", limit=20
)

TELEMETRY_DROPPED: Final = Metric(
    "search.telemetry.dropped", Instrument.COUNTER, "{item}", "Items recorded but not exported.",
    (TELEMETRY_SIGNAL, TELEMETRY_REASON),
)  # fmt: skip
TELEMETRY_OVERFLOW: Final = Metric(
    "search.telemetry.overflow", Instrument.COUNTER, "{value}", "Metric attribute values recorded as `_other`.",
    (TELEMETRY_ATTRIBUTE,),
)  # fmt: skip
TELEMETRY_SCRUB_FAILURES: Final = Metric(
    "search.telemetry.scrub.failures", Instrument.COUNTER, "{value}",
    "Values hidden because scrubbing them failed.", (),
)  # fmt: skip
TELEMETRY_REPAIRED: Final = Metric(
    "search.telemetry.repaired", Instrument.COUNTER, "{value}",
    "Values that could not be exported as given, and were repaired or left out.", (),
)  # fmt: skip
TELEMETRY_EXPORT_DURATION: Final = Metric(
    "search.telemetry.export.duration", Instrument.HISTOGRAM, "s",
    "Duration of each attempt to export; `error.type` of one that failed: gRPC's code, HTTP's status or a class.",
    (TELEMETRY_SIGNAL, ERROR_TYPE), SECONDS,
)  # fmt: skip
