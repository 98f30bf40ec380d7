"""Telemetry for search pipelines: one decorator on an executor, one context manager around a block.

In: calls of user code. Out: OpenTelemetry spans, metrics and logs. State: none here; see the modules.
"""

from telemetry.errors import ConfigurationError, TelemetryError
from telemetry.request import request

__all__ = ["ConfigurationError", "TelemetryError", "request"]
