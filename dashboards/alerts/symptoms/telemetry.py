"""The picture itself is not true: telemetry is lost, a service falls silent, a target does not answer.

In: a `Scale`. Out: a group of alerts. State: none. The Collector serves what a process sent last for another five
minutes, so a process that sends nothing is first seen by numbers that stand still, and then by their absence.
"""

from typing import Final

from dashboards.alerts.counting import JOB, added, added_to
from dashboards.alerts.rule import OF_SERVICE, Alert, Group, labelled
from dashboards.alerts.windows import Scale
from dashboards.promql import series
from telemetry import conventions as c

LEAST_FAILURES: Final = 5
"""Exports that failed: a Collector that is started again costs each process one or two."""
QUEUE_SHARE: Final = 0.8
"""Of a Collector's queue."""

_WINDOW, _SILENCE, _SEEN, _LASTS, _EVALUATED = "10m", "5m", "1h", "2m", "15s"
_SIGNAL: Final = (JOB, c.TELEMETRY_SIGNAL)
_HEALTH: Final = "search-telemetry"
_COLLECTOR: Final = "{{ $labels.collector }}{{ if $labels.exporter }} to {{ $labels.exporter }}{{ end }}"
_LOST: Final = (
    *(f"otelcol_exporter_send_failed_{items}" for items in ("spans", "metric_points", "log_records")),
    *(f"otelcol_exporter_enqueue_failed_{items}" for items in ("spans", "metric_points", "log_records")),
    *(f"otelcol_receiver_refused_{items}" for items in ("spans", "metric_points", "log_records")),
)
"""What a Collector of ours counts as lost, or as refused, which the sender keeps for a while."""


def group(scale: Scale) -> Group:
    """Return the rules."""
    alerts = (_dropped, _exports, _silent, _collector_away, _target, _collector_loses, _queue, _rules, _undelivered)
    return Group("search_telemetry", scale(_EVALUATED), tuple(make(scale) for make in alerts))


def _dropped(scale: Scale) -> Alert:
    dropped = added(c.TELEMETRY_DROPPED, (*_SIGNAL, c.TELEMETRY_REASON), {}, scale(_WINDOW))
    return Alert(
        "SearchTelemetryDropped",
        f"{dropped} > 0",
        "ticket",
        "0s",
        f"{labelled(JOB)} dropped {{{{ $value | humanize }}}} {labelled('search_telemetry_signal')} "
        f"({labelled('search_telemetry_reason')})",
        f"In the last {_WINDOW}: traces and logs have holes, and so have metrics while their exports fail.",
        _HEALTH,
        OF_SERVICE,
    )


def _exports(scale: Scale) -> Alert:
    failed = added(c.TELEMETRY_EXPORT_DURATION, _SIGNAL, {c.ERROR_TYPE: '!=""'}, scale(_WINDOW), part="count")
    return Alert(
        "SearchExportsFail",
        f"{failed} >= {LEAST_FAILURES}",
        "ticket",
        "0s",
        f"{labelled(JOB)}: {{{{ $value | humanize }}}} exports of {labelled('search_telemetry_signal')} failed",
        f"In the last {_WINDOW}. They are tried again; what waits too long is dropped.",
        _HEALTH,
        OF_SERVICE,
    )


def _silent(scale: Scale) -> Alert:
    exports = series(c.TELEMETRY_EXPORT_DURATION, "count", {c.TELEMETRY_SIGNAL: '="metrics"'}, flow="")
    serves = series(c.REQUEST_DURATION, "count", flow="")
    still = f"(sum by (job) (increase({exports}[{scale(_SILENCE)}])) == 0 and on (job) {serves})"
    earlier = f"[{scale(_SEEN)}]"
    seen = f"sum by (job) (last_over_time({exports}{earlier}) and on (job) last_over_time({serves}{earlier}))"
    return Alert(
        "SearchTelemetrySilent",
        f"{still} or 0 * ({seen} unless on (job) target_info)",
        "page",
        scale(_LASTS),
        f"{labelled(JOB)} sends nothing: no process of it exported metrics in the last {_SILENCE}",
        "It is down, or cut off from its collector: no other alert can be about it now. If it was ended "
        "on purpose, this ends an hour later.",
        _HEALTH,
        OF_SERVICE,
    )


def _collector_away(scale: Scale) -> Alert:
    return Alert(
        "SearchCollectorDown",
        'up{job="pipeline"} == 0',
        "page",
        scale(_LASTS),
        f"The Collector {labelled('collector')} at {labelled('instance')} does not answer Prometheus",
        "No metric of a service arrives: all other alerts on services are blind.",
        _HEALTH,
    )


def _target(scale: Scale) -> Alert:
    return Alert(
        "SearchTargetDown",
        'up{job!="pipeline"} == 0',
        "ticket",
        scale(_LASTS),
        f"{labelled(JOB)} at {labelled('instance')} does not answer Prometheus",
        "A program of the stack is down, or its port has changed.",
        _HEALTH,
    )


def _collector_loses(scale: Scale) -> Alert:
    window = scale(_WINDOW)  # some of these counters begin with their first loss
    each = (f"sum by (collector, {name.split('_')[1]}) ({added_to(name, window)}) > 0" for name in _LOST)
    return Alert(
        "SearchCollectorLoses",
        " or ".join(each),
        "ticket",
        "0s",
        f"The Collector {_COLLECTOR} lost or refused {{{{ $value | humanize }}}} items",
        f"In the last {_WINDOW}: its backend refuses them, or its queue or memory is full.",
        _HEALTH,
    )


def _queue(scale: Scale) -> Alert:
    return Alert(
        "SearchCollectorQueueFull",
        f"sum by (collector, exporter) (otelcol_exporter_queue_size) / "
        f"(sum by (collector, exporter) (otelcol_exporter_queue_capacity) > 0) > {QUEUE_SHARE}",
        "ticket",
        scale(_LASTS),
        f"The queue of the Collector {_COLLECTOR} is {{{{ $value | humanizePercentage }}}} full",
        "Its backend is away or slower than what comes. A full queue refuses, and senders drop after a while.",
        _HEALTH,
    )


def _rules(scale: Scale) -> Alert:
    return Alert(
        "SearchRulesFail",
        f"sum by (instance, rule_group) (increase(prometheus_rule_evaluation_failures_total[{scale(_WINDOW)}])) > 0",
        "ticket",
        "0s",
        f"Prometheus {labelled('instance')} could not evaluate rules of {labelled('rule_group')}",
        "Alerts of this group may be missing.",
        _HEALTH,
    )


def _undelivered(scale: Scale) -> Alert:
    failed = f"increase(alertmanager_notifications_failed_total[{scale(_WINDOW)}])"
    return Alert(
        "SearchAlertsNotDelivered",
        f"sum by (instance, integration, reason) ({failed}) > 0",
        "ticket",
        "0s",
        f"Alertmanager {labelled('instance')} could not deliver {{{{ $value | humanize }}}} messages by "
        f"{labelled('integration')} ({labelled('reason')})",
        f"In the last {_WINDOW}: whoever should be called may not be.",
        _HEALTH,
    )
