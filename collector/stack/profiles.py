"""Profiles: which programs run together, in the order of their start, receivers before senders."""

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Final

from collector.stack.errors import StackError
from collector.stack.programs.alertmanager import Alertmanager
from collector.stack.programs.criticalpath import CriticalPath
from collector.stack.programs.jaeger import Jaeger
from collector.stack.programs.kafka import Kafka
from collector.stack.programs.otelcol import Otelcol
from collector.stack.programs.program import Program
from collector.stack.programs.prometheus import Prometheus
from collector.stack.programs.victorialogs import VictoriaLogs

ADDED: Final = "search_telemetry.stack_programs"
"""Entry points of other packages, which this one does not import: functions that return a `Program` that shows what a
Prometheus knows, or None where it cannot run."""

_CLEAN: Final = ("base", "privacy", "cors")
_METRICS: Final = ("span-metrics", "criticalpath", "prometheus")
_GATEWAY: Final = (*_CLEAN, "gateway", *_METRICS, "jaeger")
_BACKENDS: Final = (Jaeger(), Alertmanager(), Prometheus(), VictoriaLogs())

PROFILES: Final[Mapping[str, Sequence[Program]]] = {
    "minimal": (Jaeger(), Prometheus(), CriticalPath(), Otelcol("collector", (*_CLEAN, *_METRICS, "jaeger"))),
    "full": (*_BACKENDS, CriticalPath(), Otelcol("collector", (*_CLEAN, *_METRICS, "jaeger", "logs"))),
    "scale": (
        Kafka(),
        *_BACKENDS,
        CriticalPath("agent"),
        Otelcol("gateway-1", (*_GATEWAY, "kafka-consumer"), shift=20_000),
        Otelcol("gateway-2", (*_GATEWAY, "kafka-consumer"), shift=21_000),
        Otelcol("agent", (*_CLEAN, "kafka-producer", "prometheus", "logs"), sentry="sentry-logs"),
    ),
    "gateways": (
        *_BACKENDS,
        CriticalPath("agent"),
        Otelcol("gateway-1", _GATEWAY, shift=20_000),
        Otelcol("gateway-2", _GATEWAY, shift=21_000),
        Otelcol("agent", (*_CLEAN, "agent", "prometheus", "logs"), sentry="sentry-logs"),
    ),
}
"""`minimal`: traces and metrics. `full`: logs and alerts too. `scale`: an agent, Kafka, two gateways that sample.
`gateways`: the same without Kafka."""


def programs_of(profile: str | Sequence[Program]) -> Sequence[Program]:
    """A profile's programs; a sequence of programs is returned as it is.

    Raises:
        StackError: no profile has this name.
    """
    if not isinstance(profile, str):
        return profile
    if profile not in PROFILES:
        raise StackError(f"No profile is called {profile!r}.", f"There are: {', '.join(PROFILES)}.")
    return PROFILES[profile]


def with_added(programs: Sequence[Program]) -> Sequence[Program]:
    """Return programs, and behind a Prometheus those that other packages add: see `ADDED`."""
    if all(program.name != Prometheus.name for program in programs):
        return programs
    added = (entry.load()() for entry in sorted(entry_points(group=ADDED)))
    return (*programs, *(program for program in added if program is not None))
