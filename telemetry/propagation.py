"""Which headers carry context between processes.

In: the names in `OTEL_PROPAGATORS`. Out: OpenTelemetry's global propagator, which hides secrets in the baggage that
leaves. State: none here.
"""

from collections.abc import Sequence
from typing import Any

from telemetry import checks

_PACKAGES = {
    "b3": "opentelemetry-propagator-b3",
    "b3multi": "opentelemetry-propagator-b3",
    "jaeger": "opentelemetry-propagator-jaeger",
    "xray": "opentelemetry-propagator-aws-xray",
    "ottrace": "opentelemetry-propagator-ot-trace",
}
_BUILT_IN = ("tracecontext", "baggage")
_GROUP = "opentelemetry_propagator"


def installed(raw: object) -> tuple[str, ...]:
    """Take names of propagators that are installed."""
    names = checks.words(raw)
    asked = [name for name in names if name not in _BUILT_IN]
    if asked:
        from importlib.metadata import entry_points

        there = entry_points(group=_GROUP).names
        for name in asked:
            if name not in there:
                raise ValueError(f"has {name!r}, which {_mend(name)}")
    return names


def _mend(name: str) -> str:
    if name in _PACKAGES:
        return f"is not installed; pip install {_PACKAGES[name]}"
    return f"is no propagator that is installed; write {', '.join((*_BUILT_IN, 'b3', 'b3multi', 'jaeger'))} or none"


def use(names: Sequence[str]) -> None:
    """Make the propagators of these names the process's own, in this order."""
    from importlib.metadata import entry_points

    from opentelemetry import propagate
    from opentelemetry.context import Context, get_current
    from opentelemetry.propagators.composite import CompositePropagator

    from telemetry.privacy.baggage import leaving

    class Propagators(CompositePropagator):
        """OpenTelemetry's own gives None for a context where it has no propagators, and baggage as it is."""

        def inject(self, carrier: Any, context: Context | None = None, *args: Any, **kwargs: Any) -> None:
            super().inject(carrier, leaving(context), *args, **kwargs)

        def extract(self, carrier: Any, context: Context | None = None, *args: Any, **kwargs: Any) -> Context:
            return super().extract(carrier, get_current() if context is None else context, *args, **kwargs)

    made = [entry_points(group=_GROUP)[name].load()() for name in names]
    propagate.set_global_textmap(Propagators(made))
