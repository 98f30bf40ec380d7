"""Lets the metrics of this process be pulled.

In: what `configure` was told, and our sums. Out: a reader for the SDK's provider, a collector in a registry, a server.
State: the server, owned by one `Pull`; the `Pull` of this process, owned by this module.
"""

import errno
import logging
import re
import socket

from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry

from telemetry.config.settings import Settings
from telemetry.errors import ConfigurationError, TelemetryError
from telemetry.prometheus.collector import PullCollector, PullReader
from telemetry.prometheus.exposition import Exposition, wsgi
from telemetry.prometheus.server import MetricsServer
from telemetry.recording.aggregation import Sums
from telemetry.recording.fork import in_parent, weakly

_log = logging.getLogger("search_telemetry")
_HOST, _PORT = "OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"


class _TakenError(ConfigurationError):
    """Somebody else listens there."""


class Process:
    """What this process serves, None for nothing."""

    pull: "Pull | None" = None


class Pull:
    """The metrics of this process, ready to be pulled.

    Raises `ConfigurationError` where the registry has metrics of our names, or the port cannot be had for
    another reason than that it is taken.
    """

    def __init__(self, settings: Settings, resource: Resource, sums: Sums) -> None:
        self._settings = settings
        self.reader = PullReader(resource, sums)
        self._collector = PullCollector(self.reader)
        registry = settings.prometheus_registry or CollectorRegistry()
        _register(registry, self._collector)
        self.exposition = Exposition(registry)
        self._server: MetricsServer | None = None
        self._told_of_forks = False
        try:
            if settings.prometheus_server:
                self._server = self._bind_somewhere(settings.prometheus_host, settings.prometheus_port)
        except ConfigurationError:
            registry.unregister(self._collector)
            raise
        in_parent(weakly(Pull.told_of_forks, self))

    def start(self) -> None:
        """Begin to serve. The reader must have its provider by then."""
        Process.pull = self
        if self._server is not None:
            self._server.start()

    def serve(self, host: str | None, port: int | None) -> str:
        """Open a server, where there is none; return its address."""
        if self._server is not None:
            raise TelemetryError(
                f"this process serves its metrics at {_shown(*self._server.address)} already",
                "call serve() in a forked process, or after configure(prometheus_server=False)",
            )
        server = self._server = self._bind(
            host or self._settings.prometheus_host, self._settings.prometheus_port if port is None else port
        )
        server.start()
        return _shown(*server.address)

    @property
    def address(self) -> str:
        """Where the server listens, "" without one."""
        return "" if self._server is None else _shown(*self._server.address)

    def close(self) -> None:
        """Free the port. Mounted apps go on."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def reopen(self) -> None:
        """Serve again after `close`, where a port was served before."""
        if self._settings.prometheus_server and self._server is None:
            self.serve(None, None)

    def renew(self) -> None:
        """Begin anew in a forked child: with sums of its own, and without the parent's server."""
        self.reader.renew()
        registry = self._settings.prometheus_registry
        if registry is None:  # the lock of the parent's may be held by a thread that is not there
            registry = CollectorRegistry()
            _register(registry, self._collector)
        self.exposition = Exposition(registry)
        server, self._server = self._server, None
        if server is None:
            return
        server.abandon()
        if not self._told_of_forks:
            _log.warning(
                "a forked process has metrics of its own, which the port of its parent does not show; call "
                "telemetry.prometheus.serve(port=0) in it, or push with OTEL_METRICS_EXPORTER=otlp (logged once)"
            )

    def told_of_forks(self) -> None:
        """Remember in the parent that the child has warned."""
        self._told_of_forks = True

    def _bind_somewhere(self, host: str, port: int) -> MetricsServer:
        """Listen at the port, or where that is taken, as it is in the second worker of a server, at a free one."""
        try:
            return self._bind(host, port)
        except _TakenError:
            server = self._bind(host, 0)
        _log.warning(
            "%s=%d is taken on %s by another process, or by another worker of this service; the metrics of this one "
            "are served at %s; write 0 for any port that is free, or push with OTEL_METRICS_EXPORTER=otlp",
            _PORT, port, host, _shown(*server.address),
        )  # fmt: skip
        return server

    def _bind(self, host: str, port: int) -> MetricsServer:
        try:
            return MetricsServer(host, port, wsgi(self.exposition.answer))
        except socket.gaierror:
            raise ConfigurationError(
                [f"{_HOST}={host!r} is no address of this machine; write localhost, or 0.0.0.0 for everyone"]
            ) from None
        except OSError as error:
            kind = _TakenError if error.errno == errno.EADDRINUSE else ConfigurationError
            raise kind([_cannot_listen(host, port, error)]) from None


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"{_PORT}={port} is taken on {host} by another process, or by another worker of this service; write a port "
            "for each, 0 for any that is free, or let your own server have the app (prometheus_server=False)"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{_HOST}={host!r} is no address of this machine; write localhost, or 0.0.0.0 for everyone"
    return f"{_PORT}={port} cannot be had on {host} ({error.strerror or error}); write 9464"


def _register(registry: CollectorRegistry, collector: PullCollector) -> None:
    try:
        registry.register(collector)
    except ValueError as error:  # from 0.26 on it has a class of its own; the names stand in its message in all
        names = ", ".join(sorted(re.findall(r"'(\w+)'", str(error))))
        raise ConfigurationError(
            [f"configure: prometheus_registry has metrics of our names already: {names}; rename them"]
        ) from None


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
