"""Metrics for Prometheus to scrape: `configure(metrics="prometheus")`.

They are served in OpenMetrics, with exemplars, or in Prometheus's text format. `import telemetry` does not import this
package, which needs prometheus_client.
"""

from collections.abc import Mapping
from typing import Any

from telemetry.errors import TelemetryError
from telemetry.prometheus.exposition import AsgiApp, Response, WsgiApp, asgi, error_response, wsgi
from telemetry.prometheus.pull import Process

__all__ = ["address", "asgi_app", "serve", "wsgi_app"]

_NOT_CONFIGURED = 'call telemetry.configure(metrics="prometheus") first, before anything sets a MeterProvider'


def asgi_app() -> AsgiApp:
    """Return an ASGI app that serves the metrics, to mount in your own server.

    In Starlette: `app.mount("/metrics", telemetry.prometheus.asgi_app())`. It may be created before `configure` is
    called; until then it answers 503.
    """
    return asgi(_respond)


def wsgi_app() -> WsgiApp:
    """Return a WSGI app that serves the metrics, like `asgi_app`."""
    return wsgi(_respond)


def serve(port: int | None = None, host: str | None = None) -> str:
    """Start a metrics server in this process, for example after a fork, or if `prometheus_server` is false.

    Arguments: `port`, 0 for any free port; `host`. Both default to the settings.
    Returns the address, such as `127.0.0.1:9464`. `Telemetry.shutdown` closes the server.
    Raises `ConfigurationError` if it cannot listen there, `TelemetryError` if the metrics are not configured for
    Prometheus, or are served already.
    """
    if Process.pull is None:
        raise TelemetryError("metrics are not configured for Prometheus", _NOT_CONFIGURED)
    return Process.pull.serve(host, port)


def address() -> str:
    """Return the address of this process's metrics server, such as `127.0.0.1:9464`; "" if it has none."""
    return "" if Process.pull is None else Process.pull.address


def _respond(environ: Mapping[str, Any]) -> Response:
    if Process.pull is None:
        return error_response("503 Service Unavailable", f"metrics are not configured: {_NOT_CONFIGURED}")
    return Process.pull.exposition.respond(environ)
