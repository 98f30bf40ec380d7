"""The span and the metrics that only `telemetry doctor` sends; they are in no table."""

from typing import Final

from telemetry.conventions.kinds import Attribute, Instrument, Metric, SpanName

SEARCH_DOCTOR: Final = Attribute(
    "search.doctor",
    "string",
    "Random id of one run of `telemetry doctor`, only on what it sends; tail sampling keeps such traces.",
    limit=1,
)
SEARCH_DOCTOR_LEVEL: Final = Attribute(
    "search.doctor.level", "string", "Result of a check of `telemetry doctor`: ok, warning, failed or skipped.", limit=4
)
DOCTOR_SERVICE: Final = "search-telemetry-doctor"
DOCTOR: Final = SpanName("doctor", "internal", "One run of `telemetry doctor`.", (SEARCH_DOCTOR,))
DOCTOR_RUNS: Final = Metric(
    "search.doctor.runs", Instrument.COUNTER, "{run}", "Runs of `telemetry doctor`.", (SEARCH_DOCTOR,)
)
DOCTOR_FINDINGS: Final = Metric(
    "search.doctor.findings", Instrument.GAUGE, "{finding}", "Findings of the last run of `telemetry doctor`.",
    (SEARCH_DOCTOR_LEVEL,),
)  # fmt: skip
