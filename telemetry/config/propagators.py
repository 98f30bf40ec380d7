"""Sets OpenTelemetry's global propagator, from the names in `OTEL_PROPAGATORS`.

Baggage is scrubbed before it is injected, and entries that cannot be encoded in a header are left out: they would make
the injection fail, and the trace context would be lost too. The caller's own context does not change.
"""

import contextlib
import importlib
import os
from collections.abc import Sequence
from typing import Any

from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator

from telemetry.config import checks, standard
from telemetry.errors import nearest
from telemetry.repairs import repairs

_BUILT_IN = ("tracecontext", "baggage")
_GROUP = "opentelemetry_propagator"
_VARIABLE = "OTEL_PROPAGATORS"


def scrubbed_context(context: Context | None = None) -> Context:
    """Return a copy of `context` (default: the current one) with scrubbed baggage, which may leave the process."""
    context = otel_context.get_current() if context is None else context
    entries = baggage.get_all(context)
    if not entries:
        return context
    from telemetry.privacy.scrubber import current  # compiles the rules

    scrubber = current()
    for name, value in entries.items():
        try:
            name.encode()
            text = value if isinstance(value, str) else str(value)  # as the propagators do
            scrubbed = scrubber.value(name, text).encode("utf-8", "replace").decode()
        except Exception:  # noqa: BLE001  a name that is not Unicode, a value of a class of the user's
            repairs.add("baggage that cannot be encoded")
            context = baggage.remove_baggage(name, context)
            continue
        if scrubbed != text:
            context = baggage.set_baggage(name, scrubbed, context)
    return context


def installed(raw: object) -> tuple[str, ...]:
    """Check the setting: names of installed propagators. Raises ValueError."""
    names = checks.words(raw)
    others = [name for name in names if name not in _BUILT_IN]
    if others:
        from importlib.metadata import entry_points

        available = entry_points(group=_GROUP).names
        for name in others:
            if name not in available:
                raise ValueError(f"has {name!r}, which {_hint(name)}")
    return names


def _hint(name: str) -> str:
    package = standard.package_of(name)
    if package:
        return f"is not installed; pip install {package}"
    known = (*_BUILT_IN, "b3", "b3multi", "jaeger")
    advice = next(iter(nearest(name, (*known, "none"), 1)), f"{', '.join(known)} or none")
    return f"is not an installed propagator; write {advice}"


def api() -> Any:
    """Return the module `opentelemetry.propagate`.

    Its import fails if `OTEL_PROPAGATORS` has a name that is not installed; then it is imported with the other names.
    """
    with contextlib.suppress(ValueError):
        return importlib.import_module("opentelemetry.propagate")
    original = os.environ[_VARIABLE]
    known = standard.propagators(original)
    os.environ[_VARIABLE] = ",".join(("tracecontext", "baggage") if known is None else known[0])
    try:
        return importlib.import_module("opentelemetry.propagate")
    finally:
        os.environ[_VARIABLE] = original


def use(names: Sequence[str]) -> None:
    """Set the global propagator to those of these names, in this order."""
    from opentelemetry.context import Context, get_current
    from opentelemetry.propagators.composite import CompositePropagator

    class Propagators(CompositePropagator):
        """Scrubs baggage; and unlike OpenTelemetry's, returns a context if there are no propagators."""

        def inject(self, carrier: Any, context: Context | None = None, *args: Any, **kwargs: Any) -> None:
            super().inject(carrier, scrubbed_context(context), *args, **kwargs)

        def extract(self, carrier: Any, context: Context | None = None, *args: Any, **kwargs: Any) -> Context:
            return super().extract(carrier, get_current() if context is None else context, *args, **kwargs)

    api().set_global_textmap(Propagators([_load(name) for name in names]))


def _load(name: str) -> TextMapPropagator:
    if name == "tracecontext":
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        return TraceContextTextMapPropagator()
    if name == "baggage":
        from opentelemetry.baggage.propagation import W3CBaggagePropagator

        return W3CBaggagePropagator()
    from importlib.metadata import entry_points  # reads the metadata of all that is installed

    made: TextMapPropagator = entry_points(group=_GROUP)[name].load()()
    return made


if os.environ.get(_VARIABLE):
    api()  # before another module imports it
