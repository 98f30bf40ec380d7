"""Telemetry itself fails: data is lost, a service stops exporting, a target does not answer.

In: a `Scale`. Out: a group of alerts. State: none. The Collector serves what a process sent last for another five
minutes, so the numbers of a process that sends nothing stand still, and then they are absent: neither is rising.
"""

from typing import Final

from dashboards.alerts.counting import JOB, each_from_zero, increase_from_zero
from dashboards.alerts.rule import OF_SERVICE, Alert, Group, labelled
from dashboards.alerts.windows import Scale
from dashboards.promql import series
from telemetry import conventions as c

LEAST_FAILURES: Final = 5
"""Exports that failed: a Collector that is started again costs each process one or two."""
QUEUE_SHARE: Final = 0.8
"""The share of a Collector's queue that is in use when the alert fires."""

_WINDOW, _SILENCE, _SEEN, _FOR, _EVALUATED = "10m", "5m", "1h", "2m", "15s"
_SIGNAL: Final = (JOB, c.TELEMETRY_SIGNAL)
_HEALTH: Final = "search-telemetry"
_COLLECTOR: Final = "{{ $labels.collector }}{{ if $labels.exporter }} to {{ $labels.exporter }}{{ end }}"
_KEPT: Final = "10m"
"""Of alerts that fire at once: their counters have gaps while a process, or its Collector, is away, and Alertmanager
sends nothing of an alert that is over before its first minute has passed."""
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
    dropped = increase_from_zero(c.TELEMETRY_DROPPED, (*_SIGNAL, c.TELEMETRY_REASON), {}, scale(_WINDOW))
    return Alert(
        "SearchTelemetryDropped",
        f"{dropped} > 0",
        "ticket",
        "0s",
        f"{labelled(JOB)} dropped {{{{ $value | humanize }}}} {labelled('search_telemetry_signal')} "
        f"({labelled('search_telemetry_reason')})",
        f"In the last {_WINDOW}. Traces and logs have gaps; metrics have gaps only while their exports fail.",
        _HEALTH,
        OF_SERVICE,
        kept=scale(_KEPT),
    )


def _exports(scale: Scale) -> Alert:
    failed = increase_from_zero(
        c.TELEMETRY_EXPORT_DURATION, _SIGNAL, {c.ERROR_TYPE: '!=""'}, scale(_WINDOW), part="count"
    )
    return Alert(
        "SearchExportsFail",
        f"{failed} >= {LEAST_FAILURES}",
        "ticket",
        "0s",
        f"{labelled(JOB)}: {{{{ $value | humanize }}}} exports of {labelled('search_telemetry_signal')} failed",
        f"In the last {_WINDOW}. The process retries them, and drops what waits too long.",
        _HEALTH,
        OF_SERVICE,
        kept=scale(_KEPT),
    )


def _silent(scale: Scale) -> Alert:
    exports = series(c.TELEMETRY_EXPORT_DURATION, "count", {c.TELEMETRY_SIGNAL: '="metrics"'}, flow="")
    serves = series(c.REQUEST_DURATION, "count", flow="")
    earlier = f"[{scale(_SEEN)}]"
    seen = f"sum by (job) (last_over_time({exports}{earlier}) and on (job) last_over_time({serves}{earlier}))"
    rising = f"sum by (job) (increase({exports}[{scale(_SILENCE)}])) > 0"
    return Alert(
        "SearchTelemetrySilent",
        f"0 * ({seen} unless on (job) {rising})",
        "page",
        scale(_FOR),
        f"{labelled(JOB)} sends nothing: no process of it exported metrics in the last {_SILENCE}",
        "It is down, or cannot reach its collector. No other alert on this service can fire now. If somebody stopped "
        "it on purpose, this alert ends an hour later.",
        _HEALTH,
        OF_SERVICE,
    )


def _collector_away(scale: Scale) -> Alert:
    return Alert(
        "SearchCollectorDown",
        'up{job="pipeline"} == 0',
        "page",
        scale(_FOR),
        f"The Collector {labelled('collector')} at {labelled('instance')} does not answer Prometheus",
        "No metric of a service arrives, so that no other alert on services can fire.",
        _HEALTH,
    )


def _target(scale: Scale) -> Alert:
    return Alert(
        "SearchTargetDown",
        'up{job!="pipeline"} == 0',
        "ticket",
        scale(_FOR),
        f"{labelled(JOB)} at {labelled('instance')} does not answer Prometheus",
        "The program is down, or its address has changed. Its own metrics are missing.",
        _HEALTH,
    )


def _collector_loses(scale: Scale) -> Alert:
    window = scale(_WINDOW)  # some of these counters begin with their first loss
    each = (f"sum by (collector, {name.split('_')[1]}) ({each_from_zero(name, window)}) > 0" for name in _LOST)
    return Alert(
        "SearchCollectorLoses",
        " or ".join(each),
        "ticket",
        "0s",
        f"The Collector {_COLLECTOR} lost or refused {{{{ $value | humanize }}}} items",
        f"In the last {_WINDOW}. A backend refuses them, or the Collector's queue or memory is full.",
        _HEALTH,
        kept=scale(_KEPT),
    )


def _queue(scale: Scale) -> Alert:
    return Alert(
        "SearchCollectorQueueFull",
        f"sum by (collector, exporter) (otelcol_exporter_queue_size) / "
        f"(sum by (collector, exporter) (otelcol_exporter_queue_capacity) > 0) > {QUEUE_SHARE}",
        "ticket",
        scale(_FOR),
        f"The queue of the Collector {_COLLECTOR} is {{{{ $value | humanizePercentage }}}} full",
        "Its backend is down, or too slow. A full queue refuses new items, and their senders drop them after a while.",
        _HEALTH,
    )


def _rules(scale: Scale) -> Alert:
    return Alert(
        "SearchRulesFail",
        f"sum by (instance, rule_group) (increase(prometheus_rule_evaluation_failures_total[{scale(_WINDOW)}])) > 0",
        "ticket",
        "0s",
        f"Prometheus {labelled('instance')} could not evaluate rules of {labelled('rule_group')}",
        "Alerts of this group may not fire.",
        _HEALTH,
        kept=scale(_KEPT),
    )


def _undelivered(scale: Scale) -> Alert:
    failed = f"increase(alertmanager_notifications_failed_total[{scale(_WINDOW)}])"
    return Alert(
        "SearchAlertsNotDelivered",
        f"sum by (instance, integration, reason) ({failed}) > 0",
        "ticket",
        "0s",
        f"Alertmanager {labelled('instance')} could not deliver {{{{ $value | humanize }}}} notifications by "
        f"{labelled('integration')} ({labelled('reason')})",
        f"In the last {_WINDOW}. Nobody may know of the alerts that fire.",
        _HEALTH,
        kept=scale(_KEPT),
    )
