"""`configure` starts telemetry, once in a process.

In: arguments and the environment. Out: the process's `Telemetry`. State: that `Telemetry`, owned by this module.
"""

import atexit
import dataclasses
import logging
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from inspect import Parameter, Signature
from typing import Unpack

from telemetry.config.settings import Arguments, Settings, load
from telemetry.config.version import installed
from telemetry.conventions import Signal
from telemetry.errors import did_you_mean
from telemetry.recording import providers
from telemetry.recording.fork import Rank, in_child
from telemetry.recording.guard import guard
from telemetry.setup.handle import Telemetry

_log = logging.getLogger("search_telemetry")
_NAMES = frozenset({"service_name", "namespace", "version", "resource_attributes"})


class _Process:
    """The configuration of this process."""

    telemetry: Telemetry | None = None
    adopted: frozenset[Signal] = frozenset()  # whose providers were set before
    warned = False
    unnamed_child = False  # a forked child that still has its parent's name
    lock = threading.Lock()  # guards all above


def configure(service_name: str | None = None, **settings: Unpack[Arguments]) -> Telemetry:
    """Record traces, metrics and, if asked for, logs of this process, and export them by OTLP.

    Without arguments: by gRPC to `localhost:4317`, spans within 500 ms, metrics every 5 s, no logs. Arguments that are
    None come from the standard `OTEL_*` variables, else from the defaults; `docs/settings.md` lists all. Times are in
    seconds. With `metrics="prometheus"`, metrics are pulled instead of pushed; `"otlp,prometheus"` does both.

    An OpenTelemetry provider that was set before is used as it is. A second call returns the same `Telemetry`; after a
    shutdown it starts it again, with the settings of the first. The first call in a forked child may give it a name of
    its own: `service_name`, `namespace`, `version` and `resource_attributes`.

    Returns the `Telemetry`, to flush and to shut down; the exit of the process does both.
    Raises `ConfigurationError` with all mistakes in arguments and variables.
    """
    for name in sorted(settings.keys() - Arguments.__annotations__.keys()):
        hint = did_you_mean(name, (*Arguments.__annotations__, "service_name"))
        raise TypeError(f"configure() got an unexpected keyword argument {name!r}. {hint}".rstrip(". "))
    arguments = {"service_name": service_name, **settings}
    return _configure({name: value for name, value in arguments.items() if value is not None})


# for `help` and interactive shells, which do not look into `Unpack`
configure.__dict__["__signature__"] = Signature(
    [
        Parameter("service_name", Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=str | None),
        *(
            Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in Arguments.__annotations__.items()
        ),
    ],
    return_annotation=Telemetry,
)


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


def running() -> Telemetry | None:
    """Return what `configure` returned in this process, or in the process that it was forked from."""
    return _Process.telemetry


def _after_fork() -> None:
    _Process.lock = threading.Lock()
    _Process.unnamed_child = True


in_child(Rank.CONFIGURATION, _after_fork)


@atexit.register
def _at_exit() -> None:
    """Shut down at exit, after all handlers that were registered since this import: they may record."""
    if _Process.telemetry is not None:
        with guard:
            _Process.telemetry.exit()
            _stay_interrupted()


def _stay_interrupted() -> None:
    """Keep the exit status of Ctrl-C: Python forgets it if anything is compiled meanwhile, as some imports do."""
    if getattr(sys, "last_type", None) is KeyboardInterrupt and not hasattr(sys, "ps1"):
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102  what Python remembers is an interrupt that leaves `exec`


def _start(settings: Settings) -> Telemetry:
    if settings.disabled:
        providers.set_current(None, None)
        return Telemetry(settings, {})
    from telemetry.setup.assembly import assemble

    return assemble(settings)


def _warn_of_namesake() -> None:
    """Warn if PyPI's package `telemetry` is installed too: both have the same import name."""
    namesake = installed({"telemetry"}).get("telemetry")
    if namesake is not None:
        _log.warning(
            "the package telemetry %s is installed beside search-telemetry and has the same import name; "
            "pip uninstall telemetry, then pip install --force-reinstall search-telemetry",
            namesake,
        )
