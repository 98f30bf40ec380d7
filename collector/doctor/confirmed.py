"""Whether anybody has what was sent: an endpoint that took it has not kept it.

In: what was sent, what backends said. Out: a finding for each signal that nobody confirmed. State: none.
"""

from collections.abc import Mapping, Sequence

from collector.doctor.arrival import Asked
from collector.doctor.backends.backend import ITEMS
from collector.doctor.finding import Cause, Finding, Status, failed, skipped
from collector.doctor.notes import exports
from collector.doctor.options import KEEPERS
from collector.doctor.sending import Sent
from telemetry.config.settings import Settings
from telemetry.conventions import Signal


def unconfirmed(
    sent: Mapping[Signal, Sent | None], answers: Sequence[Finding], asked: Sequence[Asked], settings: Settings
) -> list[Finding]:
    """Return a line for each signal that was taken, and that no backend is known to have, unless a failure says so.

    A signal may go unconfirmed where `none` was said to every backend that could keep it; all of them may not.
    """
    taken = {signal: one for signal, one in sent.items() if one is not None and one.cause is None}
    had = {signal for signal in taken if _said(answers, signal, Status.OK)}
    lines = []
    for signal, one in taken.items():
        keepers = [each.backend.name for each in asked if signal in each.backend.holds]
        if signal in had or _said(answers, signal, Status.FAILED) or _failed(answers, keepers):
            continue
        check = f"{ITEMS[signal]} kept"
        if not exports(settings, signal) or (had and not keepers):
            lines.append(skipped(check, Cause("not_asked", "no backend has confirmed it; none had to")))
            continue
        options = ", ".join(f"--{name}" for name in KEEPERS[signal])
        detail = f"{one.where} took the {ITEMS[signal]}, and no backend has confirmed that it has it"
        hint = f"say where {signal} are kept ({options}); a Collector without an exporter for {signal} drops them"
        lines.append(failed(check, Cause("unconfirmed", detail, hint)))
    return lines


def _said(answers: Sequence[Finding], signal: Signal, status: Status) -> bool:
    """Whether a check of some backend for this signal ended so."""
    return any(one.status is status and one.check.endswith(f": {ITEMS[signal]}") for one in answers)


def _failed(answers: Sequence[Finding], backends: Sequence[str]) -> bool:
    """Whether one of these could not be asked at all, which is told as a failure of its own."""
    return any(one.status is Status.FAILED and one.check in backends for one in answers)
