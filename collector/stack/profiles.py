"""Profiles: which programs run together, in the order of their start, receivers before senders."""

from collections.abc import Mapping, Sequence
from typing import Final

from collector.stack.errors import StackError
from collector.stack.programs.alertmanager import Alertmanager
from collector.stack.programs.boards import Boards, can_be_shown
from collector.stack.programs.criticalpath import CriticalPath
from collector.stack.programs.jaeger import Jaeger
from collector.stack.programs.kafka import Kafka
from collector.stack.programs.otelcol import Otelcol
from collector.stack.programs.program import Program
from collector.stack.programs.prometheus import Prometheus
from collector.stack.programs.victorialogs import VictoriaLogs

_CLEAN: Final = ("base", "privacy")
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


def shown_programs_of(profile: str | Sequence[Program]) -> Sequence[Program]:
    """A profile's programs, and the page of the boards, where there is a Prometheus and the page is built.

    Raises:
        StackError: no profile has this name.
    """
    programs = programs_of(profile)
    if any(program.name == Prometheus.name for program in programs) and can_be_shown():
        return (*programs, Boards())
    return programs
