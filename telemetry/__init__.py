"""OpenTelemetry traces, metrics and logs for search pipelines, by one decorator and one context manager."""

from telemetry import context
from telemetry.api.cache import cache_lookup
from telemetry.api.client import client_request
from telemetry.api.endpoint import endpoint
from telemetry.api.instrument import instrument, uninstrument
from telemetry.api.results import index_points, results
from telemetry.api.stage import stage
from telemetry.config.settings import Settings
from telemetry.errors import ConfigurationError, TelemetryError
from telemetry.logs import JsonFormatter
from telemetry.pipeline.stats import SignalStats, Stats
from telemetry.recording.request.request import request
from telemetry.setup.configure import configure
from telemetry.setup.deployment import deployed
from telemetry.setup.handle import Telemetry

__all__ = [
    "ConfigurationError",
    "JsonFormatter",
    "Settings",
    "SignalStats",
    "Stats",
    "Telemetry",
    "TelemetryError",
    "cache_lookup",
    "client_request",
    "configure",
    "context",
    "deployed",
    "endpoint",
    "index_points",
    "instrument",
    "request",
    "results",
    "stage",
    "uninstrument",
]
