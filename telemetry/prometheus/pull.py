"""Sets up metrics for scraping: a reader of all metrics, a collector in a registry, and a server.

In: the settings, and our meter provider. State: the server, owned by `Pull`; the `Pull` of this process, owned by this
module.
"""

import errno
import logging
import re
import socket

from prometheus_client import CollectorRegistry

from telemetry.config.settings import Settings
from telemetry.errors import ConfigurationError, TelemetryError
from telemetry.otlp.target import address
from telemetry.prometheus.collector import PullCollector, PullReader
from telemetry.prometheus.exposition import Exposition, wsgi
from telemetry.prometheus.server import MetricsServer
from telemetry.recording.fork import in_parent, weakly
from telemetry.recording.metrics.meter_provider import MeterProvider

_log = logging.getLogger("search_telemetry")
_HOST, _PORT = "OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"


class _TakenError(ConfigurationError):
    """The port is taken."""


class Process:
    """The `Pull` of this process; None without one."""

    pull: "Pull | None" = None


class Pull:
    """The metrics of this process, for scraping. If the port is taken, the server listens on a free one.

    Raises `ConfigurationError` if the registry has metrics of our names, or the server cannot listen.
    """

    def __init__(self, settings: Settings, provider: MeterProvider) -> None:
        self._settings = settings
        self.reader = PullReader(provider)
        self._collector = PullCollector(self.reader)
        registry = settings.prometheus_registry or CollectorRegistry()
        _register(registry, self._collector)
        self.exposition = Exposition(registry)
        self._server: MetricsServer | None = None
        self._warned_of_forks = False
        try:
            if settings.prometheus_server:
                self._server = self._bind_or_any_port(settings.prometheus_host, settings.prometheus_port)
        except ConfigurationError:
            registry.unregister(self._collector)
            raise
        in_parent(weakly(Pull.remember_warning, self))

    def start(self) -> None:
        """Start the server."""
        Process.pull = self
        if self._server is not None:
            self._server.start()

    def serve(self, host: str | None, port: int | None) -> str:
        """Start a server and return its address. Raises TelemetryError if there is one."""
        if self._server is not None:
            raise TelemetryError(
                f"this process already serves its metrics at {address(*self._server.address)}",
                "call serve() in a forked process, or after configure(prometheus_server=False)",
            )
        server = self._server = self._bind(
            host or self._settings.prometheus_host, self._settings.prometheus_port if port is None else port
        )
        server.start()
        return address(*server.address)

    @property
    def address(self) -> str:
        """Where the server listens; "" without one."""
        return "" if self._server is None else address(*self._server.address)

    def close(self) -> None:
        """Close the server. Mounted apps continue to work."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def reopen(self) -> None:
        """Start the server again after `close`, if the settings ask for one."""
        if self._settings.prometheus_server and self._server is None:
            self.serve(None, None)

    def renew(self) -> None:
        """Start over in a forked child, without the parent's server."""
        self.reader.renew()
        registry = self._settings.prometheus_registry
        if registry is None:  # the lock of the parent's may be held by a thread that does not exist here
            registry = CollectorRegistry()
            _register(registry, self._collector)
        self.exposition = Exposition(registry)
        server, self._server = self._server, None
        if server is None:
            return
        server.abandon()
        if not self._warned_of_forks:
            _log.warning(
                "a forked process has its own metrics, which its parent's port does not serve; call "
                "telemetry.prometheus.serve(port=0) in it, or push with OTEL_METRICS_EXPORTER=otlp (logged once)"
            )

    def remember_warning(self) -> None:
        """Remember, in the parent after a fork, that the child has logged the warning."""
        self._warned_of_forks = True

    def _bind_or_any_port(self, host: str, port: int) -> MetricsServer:
        """Listen on the port; if it is taken, as in the second worker of a server, on a free one, with a warning."""
        try:
            return self._bind(host, port)
        except _TakenError:
            server = self._bind(host, 0)
        _log.warning(
            "%s=%d is taken on %s by another process, or by another worker of this service; the metrics of this one "
            "are served at %s; write 0 for any free port, or push with OTEL_METRICS_EXPORTER=otlp",
            _PORT, port, host, address(*server.address),
        )  # fmt: skip
        return server

    def _bind(self, host: str, port: int) -> MetricsServer:
        try:
            return MetricsServer(host, port, wsgi(self.exposition.respond))
        except socket.gaierror:
            raise ConfigurationError(
                [f"{_HOST}={host!r} is not an address of this machine; write localhost, or 0.0.0.0 for all interfaces"]
            ) from None
        except OSError as error:
            kind = _TakenError if error.errno == errno.EADDRINUSE else ConfigurationError
            raise kind([_cannot_listen(host, port, error)]) from None


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"{_PORT}={port} is taken on {host} by another process, or by another worker of this service; write "
            "another port, 0 for any free port, or mount the app in your own server (prometheus_server=False)"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{_HOST}={host!r} is not an address of this machine; write localhost, or 0.0.0.0 for all interfaces"
    return f"cannot listen on {_PORT}={port} of {host} ({error.strerror or error}); write 9464"


def _register(registry: CollectorRegistry, collector: PullCollector) -> None:
    try:
        registry.register(collector)
    except ValueError as error:  # a subclass since 0.26; the message has the names in all versions
        names = ", ".join(sorted(re.findall(r"'(\w+)'", str(error))))
        raise ConfigurationError(
            [f"configure: prometheus_registry already has metrics of our names: {names}; rename them"]
        ) from None
