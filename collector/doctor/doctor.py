"""Runs the checks: finds what is configured, sends, queries all backends in parallel, compares clocks.

In the end it sends how many findings there are.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from collector.doctor.checks import arrival, clocks, otelcol, sending
from collector.doctor.checks.apis import backends, collectors, with_stack
from collector.doctor.checks.arrival import Asked
from collector.doctor.checks.configured import reconsider
from collector.doctor.checks.kept import unconfirmed
from collector.doctor.checks.sending import Sent
from collector.doctor.checks.settings import exporter_of, exports, notes, unsent
from collector.doctor.checks.stack import running
from collector.doctor.finding import Cause, Finding, Status, failed, ok, skipped
from collector.doctor.options import Options
from collector.doctor.report import Report
from collector.doctor.samples import Marked, mark, result
from collector.doctor.together import together
from telemetry import conventions as c
from telemetry.config.settings import Settings, load
from telemetry.conventions import SIGNALS, Signal
from telemetry.errors import ConfigurationError

_SPARE: Final = 10.0
"""Seconds after the deadline, to find why something failed or did not arrive."""
_SENDING: Final = 10.0
"""Seconds for one export, at most; a service's own limit may be lower."""


def run(options: Options) -> Report:
    """Run all checks, in about `options.timeout` seconds, and some more to explain a failure."""
    began = time.monotonic()
    try:
        settings = load({"service_name": c.DOCTOR_SERVICE}, options.environ)
    except ConfigurationError as error:
        hint = "correct it; docs/settings.md lists all variables"
        wrong = [failed("settings", Cause("wrong_setting", problem, hint)) for problem in error.problems]
        return Report("", "", time.monotonic() - began, wrong)
    deadline = began + options.timeout
    known = running((exporter_of(settings, signal).endpoint for signal in SIGNALS), options.data)
    options = replace(options, targets=with_stack(options.targets, known))
    with collectors(options, known, settings.traces.endpoint, deadline) as on_the_way:
        marked = mark(settings, otelcol.exporters(on_the_way))
        sent = _send_all(marked, options, deadline)
        with backends(options, deadline) as asked:
            answers = reconsider(_ask_all(asked, sent, marked, deadline), asked, otelcol.exporters(on_the_way))
        queues = [finding for one in on_the_way for finding in otelcol.examine(one)]
    findings = [
        *notes(settings, options.environ),
        *([known.examine()] if known else []),
        *(_sent(signal, sent[signal], settings, options.environ) for signal in SIGNALS),
        *queues,
        *answers,
        *unconfirmed(sent, answers, asked, settings),
        clocks.compare(_clocks(asked, sent)),
    ]
    findings += _send_result(findings, sent["metrics"], settings, options)
    return Report(marked.mark, marked.trace_id, time.monotonic() - began, findings)


def _send_all(marked: Marked, options: Options, deadline: float) -> dict[Signal, Sent | None]:
    """Send what services send, in parallel; None for signals that they do not send."""
    settings, environ = marked.settings, options.environ
    to_send = [signal for signal in SIGNALS if unsent(settings, signal, environ) is None]
    timeout = min(_SENDING, options.timeout)

    def send(signal: Signal) -> Sent:
        return sending.send(signal, exporter_of(settings, signal), marked.request(signal), timeout, environ)

    def late(name: str) -> Sent:
        signal = next(signal for signal in SIGNALS if signal == name)
        cause = Cause("no_answer", "no response in time", "does the name server respond? see --timeout")
        return Sent(signal, exporter_of(settings, signal), deadline - options.timeout, timeout, cause)

    results = together({signal: partial(send, signal) for signal in to_send}, deadline + _SPARE, late)
    return {signal: results.get(signal) for signal in SIGNALS}


def _send_result(
    findings: Sequence[Finding], metrics: Sent | None, settings: Settings, options: Options
) -> list[Finding]:
    """Send how many findings there are by level, where metrics could be sent; return a finding if that failed."""
    if metrics is None or metrics.cause is not None:
        return []
    levels = Counter(finding.status for finding in findings)
    request = result(settings, {status.value: levels[status] for status in Status})
    sent = sending.send("metrics", metrics.settings, request, min(_SENDING, options.timeout), options.environ)
    return [] if sent.cause is None else [failed("send result", sent.cause)]


def _ask_all(asked: list[Asked], sent: Mapping[Signal, Sent | None], marked: Marked, deadline: float) -> list[Finding]:
    def late(name: str) -> list[Finding]:
        return [failed(name, Cause("no_answer", "no response in time", "see its log; see --timeout"))]

    steps = {one.backend.name: partial(arrival.examine, one, sent, marked) for one in asked}
    return [finding for findings in together(steps, deadline + _SPARE, late).values() for finding in findings]


def _sent(signal: Signal, sent: Sent | None, settings: Settings, environ: Mapping[str, str]) -> Finding:
    """The finding of sending. A signal that services do not export is not a failure if it cannot be sent."""
    check = f"send {signal}"
    if sent is None:
        return skipped(check, unsent(settings, signal, environ) or Cause("not_exported", "not exported"))
    if sent.cause is None:
        return ok(check, f"{sent.where} accepted it in {sent.seconds * 1000:.0f} ms")
    cause = Cause(sent.cause.code, f"{sent.where}: {sent.cause.detail}", sent.cause.hint)
    return failed(check, cause) if exports(settings, signal) else skipped(check, cause)


def _clocks(asked: list[Asked], sent: Mapping[Signal, Sent | None]) -> dict[str, clocks.Reading]:
    """The clocks of all that responded."""
    readings = {one.backend.name: one.api.clock for one in asked if one.api.clock is not None}
    for one in sent.values():
        if one is not None and one.seen is not None and one.seen.offset is not None:
            readings.setdefault("the collector", (one.seen.offset, one.seen.within))
    return readings
