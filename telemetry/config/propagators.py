"""Which headers carry context between processes.

In: the names in `OTEL_PROPAGATORS`. Out: OpenTelemetry's global propagator, which hides secrets in the baggage that
leaves. State: none here.
"""

import contextlib
import importlib
import os
from collections.abc import Sequence
from typing import Any

from telemetry.config import checks, standard
from telemetry.errors import nearest

_BUILT_IN = ("tracecontext", "baggage")
_GROUP = "opentelemetry_propagator"
_VARIABLE = "OTEL_PROPAGATORS"


def installed(raw: object) -> tuple[str, ...]:
    """Take names of propagators that are installed."""
    names = checks.words(raw)
    asked = [name for name in names if name not in _BUILT_IN]
    if asked:
        from importlib.metadata import entry_points

        there = entry_points(group=_GROUP).names
        for name in asked:
            if name not in there:
                raise ValueError(f"has {name!r}, which {_hint(name)}")
    return names


def _hint(name: str) -> str:
    package = standard.package_of(name)
    if package:
        return f"is not installed; pip install {package}"
    known = (*_BUILT_IN, "b3", "b3multi", "jaeger")
    advice = next(iter(nearest(name, (*known, "none"), 1)), f"{', '.join(known)} or none")
    return f"is no propagator that is installed; write {advice}"


def api() -> Any:
    """Return OpenTelemetry's module of propagators.

    It refuses to be imported where `OTEL_PROPAGATORS` has a name that is not installed. Then it is imported with those
    that are.
    """
    with contextlib.suppress(ValueError):
        return importlib.import_module("opentelemetry.propagate")
    given = os.environ[_VARIABLE]
    known = standard.propagators(given)
    os.environ[_VARIABLE] = ",".join(("tracecontext", "baggage") if known is None else known[0])
    try:
        return importlib.import_module("opentelemetry.propagate")
    finally:
        os.environ[_VARIABLE] = given


def use(names: Sequence[str]) -> None:
    """Make the propagators of these names the process's own, in this order."""
    from importlib.metadata import entry_points

    from opentelemetry.context import Context, get_current
    from opentelemetry.propagators.composite import CompositePropagator

    from telemetry.config.baggage import leaving

    class Propagators(CompositePropagator):
        """OpenTelemetry's own gives None for a context where it has no propagators, and baggage as it is."""

        def inject(self, carrier: Any, context: Context | None = None, *args: Any, **kwargs: Any) -> None:
            super().inject(carrier, leaving(context), *args, **kwargs)

        def extract(self, carrier: Any, context: Context | None = None, *args: Any, **kwargs: Any) -> Context:
            return super().extract(carrier, get_current() if context is None else context, *args, **kwargs)

    made = [entry_points(group=_GROUP)[name].load()() for name in names]
    api().set_global_textmap(Propagators(made))


if os.environ.get(_VARIABLE):
    api()  # before anything that we import asks for it
