"""Telemetry for search pipelines: one decorator on an executor, one context manager around a block.

In: calls of user code. Out: OpenTelemetry spans, metrics and logs. State: none here; see the modules.
"""

from telemetry.endpoint import endpoint
from telemetry.errors import ConfigurationError, TelemetryError
from telemetry.request import request
from telemetry.results import index_points, results
from telemetry.stage import stage

__all__ = [
    "ConfigurationError",
    "TelemetryError",
    "endpoint",
    "index_points",
    "request",
    "results",
    "stage",
]
