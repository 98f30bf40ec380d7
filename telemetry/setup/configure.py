"""`configure`: sets telemetry going, once in a process.

In: arguments and the environment. Out: the process's `Telemetry`. State: that `Telemetry`, owned by this module.
"""

import atexit
import dataclasses
import logging
import os
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from telemetry.config.settings import Settings, load
from telemetry.conventions import Signal
from telemetry.privacy import Scrub
from telemetry.recording import providers
from telemetry.recording.fork import Rank, in_child
from telemetry.recording.guard import guard
from telemetry.setup.handle import Telemetry

if TYPE_CHECKING:  # it is loaded where metrics are pulled
    from prometheus_client import CollectorRegistry

_log = logging.getLogger("search_telemetry")


_NAMES = frozenset({"service_name", "namespace", "version", "resource_attributes"})


class _Process:
    """What this process has configured."""

    telemetry: Telemetry | None = None
    adopted: frozenset[Signal] = frozenset()  # whose providers were there before
    warned = False
    unnamed_child = False  # a forked child that has its parent's name still
    lock = threading.Lock()  # guards all above


def configure(
    service_name: str | None = None,
    *,
    namespace: str | None = None,
    version: str | None = None,
    resource_attributes: Mapping[str, str] | None = None,
    endpoint: str | None = None,
    protocol: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    compression: str | None = None,
    insecure: bool | None = None,
    certificate: str | Path | None = None,
    client_key: str | Path | None = None,
    client_certificate: str | Path | None = None,
    traces_exporter: str | None = None,
    metrics: str | Sequence[str] | None = None,
    logs: str | Sequence[str] | None = None,
    sampler: str | None = None,
    sampler_arg: float | None = None,
    propagators: str | Sequence[str] | None = None,
    metric_interval: float | None = None,
    temporality: str | None = None,
    exemplar_filter: str | None = None,
    prometheus_host: str | None = None,
    prometheus_port: int | None = None,
    prometheus_server: bool | None = None,
    prometheus_registry: "CollectorRegistry | None" = None,
    span_queue_size: int | None = None,
    span_batch_size: int | None = None,
    span_interval: float | None = None,
    log_queue_size: int | None = None,
    log_batch_size: int | None = None,
    log_interval: float | None = None,
    exit_timeout: float | None = None,
    scrub: bool | Scrub | None = None,
    capture_content: bool | None = None,
    content_length: int | None = None,
    content_docs: int | None = None,
    operations: str | Sequence[str] | None = None,
    platforms: str | Sequence[str] | None = None,
    regions: str | Sequence[str] | None = None,
    expected_errors: Collection[type[BaseException]] | type[BaseException] | None = None,
    sentry_dsn: str | None = None,
    sentry_ca: str | Path | None = None,
    disabled: bool | None = None,
) -> Telemetry:
    """Record traces, metrics and, where asked for, logs of this process, and export them by OTLP.

    Without arguments: by gRPC to `localhost:4317`, spans within 500 ms, metrics every 5 s, no logs. Arguments that are
    None are taken from the standard `OTEL_*` variables, else from the defaults; `docs/settings.md` has them all. Times
    are in seconds. With `metrics="prometheus"` metrics are pulled instead; `"otlp,prometheus"` does both.

    Where the user has set an OpenTelemetry provider before, it is used as it is. A second call returns the same
    `Telemetry`; after a shutdown it begins again, with the settings of the first. The first call in a forked child may
    name it: `service_name`, `namespace`, `version` and `resource_attributes` are the child's then.

    Returns the way to flush and to shut down; at the end of the process that happens by itself.
    Raises `ConfigurationError` with every mistake in arguments and variables at once.
    """
    return _configure({name: value for name, value in locals().items() if value is not None})


def _configure(arguments: Mapping[str, object]) -> Telemetry:
    with _Process.lock:
        if _Process.telemetry is None:
            _Process.adopted = providers.adopted()
        settings = load(arguments, os.environ, _Process.adopted)
        if _Process.telemetry is None:
            _warn_of_namesake()
            for note in settings.notes:
                _log.warning("%s", note)
            _Process.telemetry = _start(settings)
            return _Process.telemetry
        if _Process.unnamed_child and not _NAMES.isdisjoint(arguments):
            _Process.unnamed_child = False
            names = {name: getattr(settings, name) for name in _NAMES}
            _Process.telemetry.rename(dataclasses.replace(_Process.telemetry.settings, **names))
        if arguments and settings != _Process.telemetry.settings and not _Process.warned:
            _Process.warned = True
            _log.warning("telemetry is configured already; the other arguments of this second configure() are ignored")
        _Process.telemetry.begin_again()
        return _Process.telemetry


def _after_fork() -> None:
    _Process.lock = threading.Lock()
    _Process.unnamed_child = True


in_child(Rank.CONFIGURATION, _after_fork)


@atexit.register
def _at_exit() -> None:
    """Shut down with the process, after every exit handler that was registered since this import: they may record."""
    if _Process.telemetry is not None:
        with guard:
            _Process.telemetry.exit()


def _start(settings: Settings) -> Telemetry:
    if settings.disabled:
        providers.set_current(None, None)
        return Telemetry(settings, {})
    from telemetry.setup.assembly import assemble

    return assemble(settings)


def _warn_of_namesake() -> None:
    """Say so where PyPI's package `telemetry` is installed too: both want the same import name."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        namesake = distribution("telemetry")
    except PackageNotFoundError:
        return
    _log.warning(
        "the package telemetry %s is installed beside search-telemetry and has the same import name; "
        "pip uninstall telemetry, then pip install --force-reinstall search-telemetry",
        namesake.version,
    )
