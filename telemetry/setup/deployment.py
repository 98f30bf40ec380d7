"""`deployed` marks the time at which a process begins to serve a version."""

import time
from typing import Final

from opentelemetry import trace

from telemetry import conventions as c
from telemetry.config.settings import Settings
from telemetry.logs import log_event
from telemetry.recording.guard import guard
from telemetry.recording.metrics.instruments import set_gauge
from telemetry.setup.configure import running

_FRAMES: Final = 3  # from `log_event` to the caller of `deployed`


def deployed(version: str | None = None) -> None:
    """Mark that this process serves `version` from now on, so that before and after can be compared. Never raises.

    Arguments:
        version: default: the `service.version` of the process, as given to `configure`.

    A log record with the event name `deployment`, if logs are exported or written. Metric: `search.deployment.time`,
    which keeps the time of the mark.
    """
    with guard:
        telemetry = running()
        settings = None if telemetry is None or telemetry.settings.disabled else telemetry.settings
        served = str(version or _own_version(settings))
        set_gauge(c.DEPLOYMENT_TIME, time.time(), {c.SEARCH_DEPLOYMENT_VERSION.name: served} if served else {})
        if settings is not None and settings.logs:
            named = {c.SERVICE_VERSION.name: served} if served else {}
            log_event(c.DEPLOYMENT, f"deployed {served}".rstrip(), named, stacklevel=_FRAMES)


def _own_version(settings: Settings | None) -> object:
    """Return the version in the settings, else in the resource of the user's own tracer provider, else nothing."""
    if settings is not None:
        named = settings.version or dict(settings.resource_attributes).get(c.SERVICE_VERSION.name)
        if named:
            return named
    resource = getattr(trace.get_tracer_provider(), "resource", None)
    return "" if resource is None else resource.attributes.get(c.SERVICE_VERSION.name, "")
