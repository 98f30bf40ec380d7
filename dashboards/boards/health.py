"""Telemetry health: can the other boards be trusted?

In: what the library, the Collector, Prometheus and the doctor report of themselves. Out: the board `search-telemetry`.
State: none.
"""

from typing import Final

from dashboards import links, variables
from dashboards.boards import otelcol, shared_links, steps
from dashboards.boards.stat import stat
from dashboards.model import Board, Draw, Panel, Query, Row, Step, Tone, Unit
from dashboards.promql import ALL, INTERVAL, NOW, RANGE, name, or_zero, quantile, rate, ratio
from telemetry import conventions as c

_EXPORTS: Final = c.TELEMETRY_EXPORT_DURATION
_FAILED: Final = {c.ERROR_TYPE: '!=""'}
_SIGNAL: Final = (c.TELEMETRY_SIGNAL,)
_FINDINGS: Final = name(c.DOCTOR_FINDINGS)
_LOGS: Final = links.logs(service=links.of(c.SERVICE_NAME))
_OLD: Final = (Step(None, Tone.GOOD), Step(86_400, Tone.WARNING))
"""A result of the doctor is old after a day."""


def down() -> Panel:
    """Return how many targets are down."""
    description = "Programs that Prometheus cannot scrape: what they measure is missing from every board."
    return stat("Targets down", description, or_zero("count(up == 0)"), Unit.NUMBER, steps.NONE_WANTED)


def dropped_now() -> Panel:
    """Return the items dropped in the time that the board shows."""
    description = "Spans, metrics and log records that processes recorded and could not export, in the time shown."
    return stat(
        "Dropped",
        description,
        rate(c.TELEMETRY_DROPPED, window=RANGE, function="increase"),
        Unit.NUMBER,
        steps.NONE_WANTED,
    )


def failed_now() -> Panel:
    """Return the share of exports that fail."""
    description = (
        "Share of the attempts to export that failed. They are retried; the figure Dropped counts what is lost."
    )
    failed, every = (rate(_EXPORTS, (), where, part="count", window=NOW) for where in (_FAILED, {}))
    return stat("Failed exports", description, ratio(failed, every), Unit.SHARE, steps.FAILED)


def findings() -> Panel:
    """Return how many checks failed in the doctor's last run."""
    description = "Checks that failed in the last run of `telemetry doctor`, in the time shown. Run it on a schedule."
    failed = f'last_over_time({_FINDINGS}{{search_doctor_level="failed"}}[{RANGE}])'
    return stat("Doctor: failed", description, f"sum({failed})", Unit.NUMBER, steps.NONE_WANTED, nothing="never run")


def age() -> Panel:
    """Return how long ago the doctor ran."""
    description = "Time since the last run of `telemetry doctor` that was seen in the time shown."
    seen = f"max(max_over_time(timestamp({_FINDINGS})[{RANGE}:1m]))"
    return stat("Doctor: last run", description, f"time() - {seen}", Unit.SECONDS, _OLD, nothing="never run")


def dropped() -> Panel:
    """Return what is dropped, by signal and reason."""
    description = "What processes recorded and could not export, by signal and reason. It should be zero."
    query = Query(
        rate(c.TELEMETRY_DROPPED, (c.SERVICE_NAME, *_SIGNAL, c.TELEMETRY_REASON)),
        "{{service_name}} {{search_telemetry_signal}} {{search_telemetry_reason}}",
    )
    return Panel(
        "What do processes drop?",
        description,
        Draw.LINES,
        (query,),
        Unit.PER_SECOND,
        width=8,
        least=0.0,
        links=(_LOGS,),
    )


def latency() -> Panel:
    """Return the duration of exports."""
    description = "95th percentile of an export, by signal. It rises when the Collector is slow to accept."
    query = Query(quantile(0.95, _EXPORTS, _SIGNAL), "{{search_telemetry_signal}}")
    return Panel(
        "How long is an export?", description, Draw.LINES, (query,), Unit.SECONDS, width=8, least=0.0,
        links=shared_links.OF_SENDERS,
    )  # fmt: skip


def failures() -> Panel:
    """Return the exports that fail, by service and type."""
    description = "Attempts to export that failed, by service and type. Empty: none failed."
    query = Query(
        rate(_EXPORTS, (c.SERVICE_NAME, c.ERROR_TYPE), _FAILED, part="count"), "{{service_name}} {{error_type}}",
        trouble="collector-away",
    )  # fmt: skip
    return Panel(
        "Which exports fail?", description, Draw.AREAS, (query,), Unit.PER_SECOND, width=8, nothing="no failures",
        links=(_LOGS,),
    )  # fmt: skip


def changed_values() -> Panel:
    """Return the values that were replaced, hidden or repaired."""
    description = (
        "Attribute values that the library replaced by `_other` because the attribute has too many, that it hid because"
        " a privacy pattern failed on them, and that it repaired because they were not valid. Find the code that sets"
        " them."
    )
    queries = (
        Query(or_zero(rate(c.TELEMETRY_OVERFLOW)), "replaced by _other"),
        Query(or_zero(rate(c.TELEMETRY_SCRUB_FAILURES)), "hidden"),
        Query(or_zero(rate(c.TELEMETRY_REPAIRED)), "repaired"),
    )
    return Panel(
        "Which values were changed?", description, Draw.LINES, queries, Unit.PER_SECOND, width=8, least=0.0,
        links=shared_links.OF_FLOW,
    )  # fmt: skip


def paths() -> Panel:
    """Return the traces and spans that are missing from critical paths."""
    description = "Traces without a critical path, and spans that came too late for theirs, by reason."
    by = (c.SEARCH_CRITICAL_PATH_REASON,)
    queries = (
        Query(rate(c.CRITICAL_PATH_SKIPPED, by, flow=ALL), "traces: {{search_critical_path_reason}}"),
        Query(rate(c.CRITICAL_PATH_LOST, by, flow=ALL), "spans: {{search_critical_path_reason}}"),
    )
    return Panel(
        "What is missing from critical paths?", description, Draw.LINES, queries, Unit.PER_SECOND, width=8, least=0.0,
        links=(shared_links.OVERVIEW, *shared_links.OF_FLOW_BY_STAGE),
    )  # fmt: skip


def processes() -> Panel:
    """Return the processes that report."""
    description = "Processes that export metrics, by service. Where one is missing, it is down or cannot send."
    sent = {c.TELEMETRY_SIGNAL: '="metrics"', c.ERROR_TYPE: '=""'}
    exports = rate(_EXPORTS, (c.SERVICE_NAME, "instance"), sent, part="count")
    query = Query(f"sum by (service_name) ({exports} > bool 0)", "{{service_name}}")
    return Panel(
        "How many processes report?", description, Draw.LINES, (query,), Unit.NUMBER, width=8, least=0.0, links=(_LOGS,)
    )


def scrapes() -> Panel:
    """Return which targets are up, over time."""
    description = "Whether Prometheus could scrape each program. `pipeline` is what the Collector passes on."
    return Panel(
        "What is scraped?", description, Draw.STATES, (Query("min by (job) (up)", "{{job}}"),), Unit.NONE, width=12,
        states=((0, "down", Tone.BAD), (1, "up", Tone.GOOD)), links=shared_links.OF_SENDERS,
    )  # fmt: skip


def scrape_duration() -> Panel:
    """Return the duration of scrapes."""
    description = "The slowest scrape of each job. Prometheus gives up after four seconds, and samples are missing."
    limits = (Step(None, Tone.GOOD), Step(2, Tone.WARNING), Step(4, Tone.BAD))
    query = Query("max by (job) (scrape_duration_seconds)", "{{job}}")
    return Panel(
        "How long is a scrape?", description, Draw.LINES, (query,), Unit.SECONDS, limits, width=6, least=0.0,
        links=shared_links.OF_SENDERS,
    )  # fmt: skip


def series() -> Panel:
    """Return the number of series."""
    description = "Series of each job: the samples in its last scrapes. It should not grow with the traffic."
    query = Query("sum by (job) (scrape_samples_post_metric_relabeling)", "{{job}}")
    return Panel(
        "How many series?", description, Draw.LINES, (query,), Unit.NUMBER, width=6, least=0.0,
        links=shared_links.OF_SENDERS,
    )  # fmt: skip


def rules() -> Panel:
    """Return the rules that fail, and the notifications that are lost."""
    description = "Rules that Prometheus could not evaluate, and alerts that it could not deliver. Both should be zero."
    queries = (
        Query(f"sum(rate(prometheus_rule_evaluation_failures_total[{INTERVAL}]))", "rules not evaluated"),
        Query(f"sum(rate(prometheus_notifications_dropped_total[{INTERVAL}]))", "alerts not delivered"),
    )
    return Panel(
        "Do alerts work?", description, Draw.LINES, queries, Unit.PER_SECOND, width=12, height=7, least=0.0,
        links=shared_links.OF_SENDERS,
    )  # fmt: skip


def doctor() -> Panel:
    """Return the findings of the doctor's last run."""
    description = (
        "Findings of the last run of `telemetry doctor` in the time shown, by level. A warning is not a failure."
    )
    query = Query(f"sum by (search_doctor_level) (last_over_time({_FINDINGS}[{RANGE}]))", "{{search_doctor_level}}")
    return Panel(
        "What did the doctor find?", description, Draw.BARS, (query,), Unit.NUMBER, width=12, height=7,
        nothing="never run", links=shared_links.OF_SENDERS,
    )  # fmt: skip


HEALTH: Final = Board(
    "search-telemetry",
    "Telemetry health",
    "Can the other boards be trusted, or is telemetry missing?",
    variables.FLOW,
    (
        Row("Now", (down(), otelcol.fullest(), dropped_now(), failed_now(), findings(), age())),
        Row("What processes send", (processes(), latency(), failures(), dropped(), changed_values(), paths())),
        *otelcol.ROWS,
        Row("Prometheus", (scrapes(), scrape_duration(), series())),
        Row("Alerts and doctor", (rules(), doctor())),
    ),
    variables.MARKS,
    variables.ADDRESSES,
)
