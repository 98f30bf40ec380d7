"""Telemetry for search pipelines: one decorator on an executor, one context manager around a block.

In: calls of user code. Out: OpenTelemetry spans, metrics and logs. State: none here; see the modules.
"""

from telemetry.configuration import configure
from telemetry.endpoint import endpoint
from telemetry.errors import ConfigurationError, TelemetryError
from telemetry.instrument import instrument, uninstrument
from telemetry.json_logs import JsonFormatter
from telemetry.request import request
from telemetry.results import index_points, results
from telemetry.running import Telemetry
from telemetry.settings import Settings
from telemetry.stage import stage
from telemetry.stats import SignalStats, Stats

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
