"""Metrics that are pulled: `configure(metrics="prometheus")`.

In: scrapes. Out: the metrics of this process, in OpenMetrics with exemplars, or in the plain text format. State: what
`configure` set up, kept in `telemetry.prometheus.pull`.

`import telemetry` does not load this: prometheus_client is for those who pull.
"""

from collections.abc import Mapping
from typing import Any

from telemetry.errors import TelemetryError
from telemetry.prometheus.exposition import Answer, AsgiApp, WsgiApp, asgi, refusal, wsgi
from telemetry.prometheus.pull import Process

__all__ = ["address", "asgi_app", "serve", "wsgi_app"]

_NOT_CONFIGURED = 'call telemetry.configure(metrics="prometheus") first, before anything sets a MeterProvider'


def asgi_app() -> AsgiApp:
    """Return an app that serves the metrics, to be mounted in a server of yours.

    In Starlette: `app.mount("/metrics", telemetry.prometheus.asgi_app())`. It may be made before `configure` was
    called; while nothing is configured it answers 503, and says so.
    """
    return asgi(_answer)


def wsgi_app() -> WsgiApp:
    """Return an app that serves the metrics, as `asgi_app` does, for a WSGI server."""
    return wsgi(_answer)


def serve(port: int | None = None, host: str | None = None) -> str:
    """Open a server of its own in this process: in a forked one, or where `prometheus_server` is false.

    Arguments: `port`, 0 for any that is free; `host`. Both default to the settings.
    Returns its address, as `127.0.0.1:9464`. It is closed by `Telemetry.shutdown`, and with the process.
    Raises `ConfigurationError` where the port cannot be had, `TelemetryError` where metrics are not pulled from this
    process or are served already.
    """
    if Process.pull is None:
        raise TelemetryError("there are no metrics to serve", _NOT_CONFIGURED)
    return Process.pull.serve(host, port)


def address() -> str:
    """Return where this process serves its metrics, as `127.0.0.1:9464`; "" where it has no server of its own."""
    return "" if Process.pull is None else Process.pull.address


def _answer(environ: Mapping[str, Any]) -> Answer:
    if Process.pull is None:
        return refusal("503 Service Unavailable", f"no metrics here: {_NOT_CONFIGURED}")
    return Process.pull.exposition.answer(environ)
