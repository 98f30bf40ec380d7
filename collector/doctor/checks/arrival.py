"""Queries one backend for what was sent.

A backend at its default port that nobody configured is not a failure if nothing listens there, or another program; nor
if the services send to another machine, which has other backends.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from collector.doctor.backends.backend import ITEMS, Backend
from collector.doctor.checks.sending import Sent
from collector.doctor.finding import Cause, Finding, failed, ok, skipped
from collector.doctor.network.api import Api, TroubleError
from collector.doctor.samples import Marked
from telemetry.conventions import Signal
from telemetry.otlp.target import is_loopback

_NOT_IT = {"foreign", "wrong_protocol", "unknown_protocol", "error_answer", "redirected"}
"""Codes that show that another program listens at a default address."""
SHAPES = (KeyError, TypeError, IndexError, AttributeError, ValueError)
"""The exceptions of reading JSON of another shape."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A backend to query; `asked`: whether it was configured by an option or a variable."""

    backend: Backend
    api: Api
    asked: bool


def examine(one: Asked, sent: Mapping[Signal, Sent | None], marked: Marked) -> list[Finding]:
    """Query until everything has arrived, or until the deadline.

    Arguments: `sent` by signal; None for signals that services do not send.
    """
    name = one.backend.name
    try:
        _identify(one)
    except TroubleError as trouble:
        return [_not_there(one, trouble)]
    findings = [_await(one, signal, sent.get(signal), marked) for signal in one.backend.holds]
    arrived = all(finding.hint == "" and finding.code == "" for finding in findings)
    try:
        return findings + one.backend.more(one.api, arrived=arrived)
    except TroubleError as trouble:
        return [*findings, failed(name, trouble.cause)]
    except SHAPES as error:
        return [*findings, failed(name, _strange(one, error))]


def _identify(one: Asked) -> None:
    try:
        one.backend.identify(one.api)
    except SHAPES as error:
        raise TroubleError(_strange(one, error)) from error


def _not_there(one: Asked, trouble: TroubleError) -> Finding:
    name = one.backend.name
    if not one.asked and (not trouble.listens or trouble.cause.code in _NOT_IT):
        address = one.api.place.address
        what = f"{address} is something else" if trouble.listens else f"nothing listens on {address}"
        return skipped(name, Cause("not_configured", f"not configured: {what}"))
    return failed(name, trouble.cause)


def _await(one: Asked, signal: Signal, sent: Sent | None, marked: Marked) -> Finding:
    check = f"{one.backend.name}: {ITEMS[signal]}"
    if sent is None:
        return skipped(check, Cause("not_sent", "not checked: none was sent"))
    if sent.cause is not None:
        return skipped(check, Cause("not_sent", "not checked: sending failed"))
    wanted = marked.each() if signal == "traces" else [replace(marked, by={})]  # only traces go by gateways
    found, missing = "", wanted
    try:
        while True:
            answers = [(each, one.backend.find(one.api, signal, each)) for each in missing]
            found = next((answer for _, answer in answers if answer is not None), found)
            missing = [each for each, answer in answers if answer is None]
            if not missing:
                return ok(check, f"{found}{_ways(wanted)}, {time.monotonic() - sent.began:.1f} s after it was sent")
            if not one.api.rest():
                break
        some = f"{len(missing)} of {len(wanted)}{_ways(missing)} " if wanted[1:] else ""
        return _lost(one, check, signal, sent, some)
    except TroubleError as trouble:
        return failed(check, trouble.cause)
    except SHAPES as error:
        return failed(check, _strange(one, error))


def _ways(marks: Sequence[Marked]) -> str:
    """The gateways of these, if they are known."""
    ways = [each.by[each.trace_id] for each in marks if each.trace_id in each.by]
    return f" (by {' and '.join(ways)})" if ways else ""


def _lost(one: Asked, check: str, signal: Signal, sent: Sent, some: str) -> Finding:
    if not one.asked and not is_loopback(sent.settings.endpoint):
        detail = f"it does not have the {ITEMS[signal]}, which went to {sent.where}"
        hint = f"if it should have it, set {one.api.place.named}"
        return skipped(check, Cause("elsewhere", detail, hint))
    cause = one.backend.missing(one.api, signal)
    return failed(check, replace(cause, detail=f"{some}{cause.detail}"))


def _strange(one: Asked, error: Exception) -> Cause:
    detail = f"the response of {one.api.place.address} is not {one.backend.name}'s ({type(error).__name__})"
    return Cause("foreign", detail, f"correct {one.api.place.named}")
