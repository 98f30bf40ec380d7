"""Telemetry for search pipelines: one decorator on an executor, one context manager around a block.

In: calls of user code. Out: OpenTelemetry spans, metrics and logs. State: none here; see the modules.
"""

from telemetry.api.endpoint import endpoint
from telemetry.api.instrument import instrument, uninstrument
from telemetry.api.results import index_points, results
from telemetry.api.stage import stage
from telemetry.config.settings import Settings
from telemetry.errors import ConfigurationError, TelemetryError
from telemetry.logs import JsonFormatter
from telemetry.pipeline.stats import SignalStats, Stats
from telemetry.recording.request import request
from telemetry.setup.configure import configure
from telemetry.setup.handle import Telemetry

__all__ = [
    "ConfigurationError",
    "JsonFormatter",
    "Settings",
    "SignalStats",
    "Stats",
    "Telemetry",
    "TelemetryError",
    "configure",
    "endpoint",
    "index_points",
    "instrument",
    "request",
    "results",
    "stage",
    "uninstrument",
]
