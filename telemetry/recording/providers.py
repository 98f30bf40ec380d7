"""The tracer that this process records with, and our own metrics, or the meter of a provider of the user's.

They come from `configure`, or from the providers that the user set in OpenTelemetry's API. The decision is made once
per process, as providers can be set only once, and is kept in this module. Everything that records asks here first;
None means that nothing is recorded, which is why disabled telemetry costs next to nothing.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from opentelemetry import _logs, metrics, trace
from opentelemetry.metrics import Meter
from opentelemetry.metrics import _internal as metrics_internal
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.util.types import AttributeValue

from telemetry.conventions import SCOPE, Signal
from telemetry.recording.clock import metrics_generation

if TYPE_CHECKING:  # it imports the SDK
    from telemetry.recording.metrics.own_metrics import OwnMetrics


def adopted() -> "frozenset[Signal]":
    """Return the signals whose provider is the user's."""
    found: dict[Signal, object] = {
        "traces": trace.get_tracer_provider(),
        "metrics": metrics.get_meter_provider(),
        "logs": _logs.get_logger_provider(),
    }
    return frozenset(signal for signal, provider in found.items() if not is_default_provider(provider))


Attributes = Mapping[str, AttributeValue]
StartPrepared = Callable[[str, Mapping[str, object], SpanKind, Attributes, Attributes, int | None, bool], Span | None]
"""`Tracer.start_prepared` of our own tracer."""


class Providers:
    """What is in use.

    `decided` is true once `configure` has decided; the API is not asked any more. `off` and `on`: it is decided that
    nothing, or that something, is recorded; hot code reads them without a call, and then asks `sys.is_finalizing()` as
    `recording` does. `start_prepared`: that of a tracer of ours.
    """

    __slots__ = ("decided", "meter", "off", "on", "own", "start_prepared", "tracer")

    def __init__(self) -> None:
        self.off = self.on = False
        self.start_prepared: StartPrepared | None = None
        self.tracer: Tracer | None = None
        self.meter: Meter | None = None
        self.own: OwnMetrics | None = None
        self.decided = False


current = Providers()
_LOADS_PROVIDERS = not {"OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER"}.isdisjoint(os.environ)
"""Whether the API will load a provider named by these variables when it is first asked for one."""


def is_default_provider(provider: object) -> bool:
    """Return whether `provider` is the API's default, a proxy that waits for a provider to be set.

    The proxies for metrics and logs are private classes, so they are recognized by name.
    """
    kind = type(provider)
    return "Proxy" in kind.__name__ and kind.__module__.startswith("opentelemetry.")


def tracer() -> Tracer | None:
    """Return the tracer to record with; None if traces are not recorded."""
    if current.tracer is None and not current.decided and _is_set(trace, "_TRACER_PROVIDER"):
        provider = trace.get_tracer_provider()
        if not is_default_provider(provider):
            current.tracer = provider.get_tracer(SCOPE)
    return current.tracer


def meter() -> Meter | None:
    """Return the user's meter to record with; None if metrics are not recorded, or with `own_metrics`."""
    if current.meter is None and not current.decided and _is_set(metrics_internal, "_METER_PROVIDER"):
        provider = metrics.get_meter_provider()
        if not is_default_provider(provider):
            current.meter = provider.get_meter(SCOPE)
    return current.meter


def own_metrics() -> "OwnMetrics | None":
    """Return what takes the values of our metrics; None if they are not recorded, or with the user's meter."""
    return current.own


def _changed() -> None:
    metrics_generation.renew()
    current.start_prepared = getattr(current.tracer, "start_prepared", None)
    nothing = current.tracer is None and current.meter is None and current.own is None
    current.off = current.decided and nothing
    current.on = current.decided and not nothing


_of_traces, _of_metrics = vars(trace), vars(metrics_internal)


def _is_set(api: ModuleType, name: str) -> bool:
    """Return whether the API has a provider, by reading its private variable.

    Asking the API takes a microsecond on every call of every function of a process that records nothing. If the
    variable is ever renamed, the answer is yes, and the API is asked.
    """
    return getattr(api, name, api) is not None or _LOADS_PROVIDERS


def recording() -> bool:
    """Return whether traces or metrics are recorded.

    False while the interpreter shuts down: a `__del__` may ask, and a daemon thread may have been frozen with a lock.
    """
    if current.decided:
        return current.on and not sys.is_finalizing()
    return tracer() is not None or meter() is not None


def set_current(tracer: Tracer | None, meter: Meter | None, own: "OwnMetrics | None" = None) -> None:
    """Record with these from now on: None for a disabled signal; `own`, in place of a meter of the user's."""
    current.tracer, current.meter, current.own, current.decided = tracer, meter, own, True
    _changed()


@contextmanager
def override(
    *, tracer: Tracer | None = None, meter: Meter | None = None, own: "OwnMetrics | None" = None
) -> Iterator[None]:
    """Record with these inside the block, as tests do. What is not given stays as it is."""
    before = (current.tracer, current.meter, current.own, current.decided)
    if tracer is not None:
        current.tracer = tracer
    if meter is not None or own is not None:
        current.meter, current.own = meter, own
    current.decided = True
    _changed()
    try:
        yield
    finally:
        current.tracer, current.meter, current.own, current.decided = before
        _changed()
