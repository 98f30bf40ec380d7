"""Which OpenTelemetry providers this process records with.

In: what `configure` decided, or the providers that the user set. Out: our tracer, our meter and, where the meter's
provider is ours, the sums that stand in for its counters and histograms; None where nothing is recorded. State: the
decision, made once (providers can be set only once in a process) and owned by this module.

Everything that records asks here first, and this answer is what makes telemetry that is switched off cost next to
nothing.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from opentelemetry import _logs, metrics, trace
from opentelemetry.metrics import Meter
from opentelemetry.metrics import _internal as metrics_internal
from opentelemetry.trace import Tracer

from telemetry.conventions import SCOPE, Signal

if TYPE_CHECKING:  # it imports the SDK
    from telemetry.recording.aggregation import Sums


def adopted() -> "frozenset[Signal]":
    """Return the signals whose provider is the user's."""
    found: dict[Signal, object] = {
        "traces": trace.get_tracer_provider(),
        "metrics": metrics.get_meter_provider(),
        "logs": _logs.get_logger_provider(),
    }
    return frozenset(signal for signal, provider in found.items() if not is_nobodys(provider))


class _Providers:
    """What is in use. `settled` is true once `configure` decided for good."""

    __slots__ = ("meter", "settled", "sums", "tracer")

    def __init__(self) -> None:
        self.tracer: Tracer | None = None
        self.meter: Meter | None = None
        self.sums: Sums | None = None
        self.settled = False


_current = _Providers()
_LOADS_PROVIDERS = not {"OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER"}.isdisjoint(os.environ)
"""The API loads its providers from these at the first question."""


def is_nobodys(provider: object) -> bool:
    """Say whether `provider` is the API's stand-in for a provider that nobody set yet.

    The stand-ins for metrics and logs are private classes, hence by name.
    """
    kind = type(provider)
    return "Proxy" in kind.__name__ and kind.__module__.startswith("opentelemetry.")


def tracer() -> Tracer | None:
    """Return the tracer to record with, None while there is none."""
    if _current.tracer is None and not _current.settled and _is_set(trace, "_TRACER_PROVIDER"):
        provider = trace.get_tracer_provider()
        if not is_nobodys(provider):
            _current.tracer = provider.get_tracer(SCOPE)
    return _current.tracer


def meter() -> Meter | None:
    """Return the meter to record with, None while there is none."""
    if _current.meter is None and not _current.settled and _is_set(metrics_internal, "_METER_PROVIDER"):
        provider = metrics.get_meter_provider()
        if not is_nobodys(provider):
            _current.meter = provider.get_meter(SCOPE)
    return _current.meter


def sums() -> "Sums | None":
    """Return where counters and histograms are added up; None where the meter has instruments for it."""
    return _current.sums


def _is_set(api: ModuleType, name: str) -> bool:
    """Say whether the API holds a provider, by looking where it keeps it.

    Asking the API costs a microsecond, on every call of every function of a process that records nothing. Should the
    place ever move, the API is asked.
    """
    return getattr(api, name, api) is not None or _LOADS_PROVIDERS


def recording() -> bool:
    """Say whether anything is recorded at all.

    Not while the interpreter is torn down, as a `__del__` may ask: a daemon thread may have been frozen with a lock.
    """
    if _current.settled:
        return (_current.tracer is not None or _current.meter is not None) and not sys.is_finalizing()
    return tracer() is not None or meter() is not None


def settle(tracer: Tracer | None, meter: Meter | None, sums: "Sums | None" = None) -> None:
    """Record with these from now on; None for a signal that is switched off, and for sums where the meter adds up."""
    _current.tracer, _current.meter, _current.sums, _current.settled = tracer, meter, sums, True


@contextmanager
def borrow(*, tracer: Tracer | None = None, meter: Meter | None = None, sums: "Sums | None" = None) -> Iterator[None]:
    """Record with these for a while: a test does. A tracer or meter that is None stays as it is; sums are a meter's."""
    before = (_current.tracer, _current.meter, _current.sums, _current.settled)
    if tracer is not None:
        _current.tracer = tracer
    if meter is not None:
        _current.meter, _current.sums = meter, sums
    _current.settled = True
    try:
        yield
    finally:
        _current.tracer, _current.meter, _current.sums, _current.settled = before
