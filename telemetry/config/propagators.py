"""Which headers carry context between processes.

In: the names in `OTEL_PROPAGATORS`; the context of whoever calls. Out: OpenTelemetry's global propagator. For it alone,
a context in whose baggage secrets are markers, without entries that no header can carry, which would cost the ids of
the trace too. State: none; the caller's context keeps what it has.
"""

import contextlib
import importlib
import os
from collections.abc import Sequence
from typing import Any

from opentelemetry import baggage
from opentelemetry import context as otel_context
from opentelemetry.context import Context

from telemetry.config import checks, standard
from telemetry.errors import nearest
from telemetry.repairs import repairs


def leaving(context: Context | None = None) -> Context:
    """Return `context` (default: the current one) as it may leave the process."""
    made = otel_context.get_current() if context is None else context
    entries = baggage.get_all(made)
    if not entries:
        return made
    from telemetry.privacy.scrubber import current  # compiles the rules

    scrubber = current()
    for name, value in entries.items():
        try:
            name.encode()
            text = value if isinstance(value, str) else str(value)  # as the propagators do
            scrubbed = scrubber.value(name, text).encode("utf-8", "replace").decode()
        except Exception:  # noqa: BLE001  a name that is not Unicode, a value of a class of the user's
            repairs.add("baggage that cannot be written")
            made = baggage.remove_baggage(name, made)
            continue
        if scrubbed != text:
            made = baggage.set_baggage(name, scrubbed, made)
    return made


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
