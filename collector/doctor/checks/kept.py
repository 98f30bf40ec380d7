"""Finds signals that an endpoint accepted, and that no backend has."""

from collections.abc import Mapping, Sequence

from collector.doctor.backends.backend import ITEMS
from collector.doctor.checks.arrival import Asked
from collector.doctor.checks.sending import Sent
from collector.doctor.checks.settings import exports
from collector.doctor.finding import Cause, Finding, Status, failed, skipped
from collector.doctor.options import KEEPERS
from telemetry.config.settings import Settings
from telemetry.conventions import Signal


def unconfirmed(
    sent: Mapping[Signal, Sent | None], answers: Sequence[Finding], asked: Sequence[Asked], settings: Settings
) -> list[Finding]:
    """Return a finding for each signal that was accepted, and that no backend has, unless a failure reports that.

    A signal may be unconfirmed if `none` is set for every backend that could store it, but not all signals may.
    """
    taken = {signal: one for signal, one in sent.items() if one is not None and one.cause is None}
    had = {signal for signal in taken if _has(answers, signal, Status.OK)}
    lines = []
    for signal, one in taken.items():
        keepers = [each.backend.name for each in asked if signal in each.backend.holds]
        if signal in had or _has(answers, signal, Status.FAILED) or _failed(answers, keepers):
            continue
        check = f"{ITEMS[signal]} kept"
        if not exports(settings, signal) or (had and not keepers):
            lines.append(skipped(check, Cause("not_asked", "no backend has confirmed it; none is required to")))
            continue
        options = ", ".join(f"--{name}" for name in KEEPERS[signal])
        detail = f"{one.where} took the {ITEMS[signal]}, and no backend has confirmed that it has it"
        hint = f"give the backend of {signal} ({options}); a Collector without an exporter for {signal} drops them"
        lines.append(failed(check, Cause("unconfirmed", detail, hint)))
    return lines


def _has(answers: Sequence[Finding], signal: Signal, status: Status) -> bool:
    """Whether a check of a backend for this signal has this status."""
    return any(one.status is status and one.check.endswith(f": {ITEMS[signal]}") for one in answers)


def _failed(answers: Sequence[Finding], backends: Sequence[str]) -> bool:
    """Whether one of these could not be queried, which is a failure of its own."""
    return any(one.status is Status.FAILED and one.check in backends for one in answers)
