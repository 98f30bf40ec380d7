"""The Collector's own metrics, for the board `search-telemetry`.

In: what a Collector answers at `:8888/metrics`; its counters have no `_total`. Out: panels and a row. State: none.
"""

from typing import Final

from dashboards.boards import shared_links, steps
from dashboards.boards.stat import stat
from dashboards.model import Draw, Panel, Query, Row, Step, Tone, Unit
from dashboards.promql import INTERVAL

SIGNALS: Final = ("spans", "metric_points", "log_records")
_BY_EXPORTER: Final = "{{exporter}}"
_FILL: Final = "otelcol_exporter_queue_size / (otelcol_exporter_queue_capacity > 0)"
_HALF: Final = (Step(None, Tone.GOOD), Step(0.5, Tone.WARNING), Step(0.9, Tone.BAD))
"""A queue that is half full for minutes belongs to a backend that is too slow, or away."""


def _rate(metric: str, by: str) -> str:
    """Return the rate of all signals together; their metrics end in the signal."""
    each = (
        f'label_replace(rate(otelcol_{metric}_{signal}[{INTERVAL}]), "signal", "{signal}", "job", ".*")'
        for signal in SIGNALS
    )
    return f"sum by ({by}) ({' or '.join(each)})"


def _or_zero(part: str, whole: str) -> str:
    """Return a rate that is 0 where the Collector has counted nothing yet."""
    return f"({part} or 0 * {whole})"


def _panel(
    title: str, description: str, queries: tuple[Query, ...], unit: Unit, limits: tuple[Step, ...] = (), *,
    width: int = 8,
) -> Panel:  # fmt: skip
    return Panel(
        title, description, Draw.LINES, queries, unit, limits, width=width, least=0.0, links=shared_links.OF_SENDERS
    )


def fullest() -> Panel:
    """Return how full the fullest queue is."""
    description = "The fullest of the Collector's queues. When one is full, the Collector refuses, and processes wait."
    return stat("Fullest queue", description, f"max({_FILL})", Unit.SHARE, _HALF)


def queues() -> Panel:
    """Return how full each exporter's queue is."""
    description = "How full the queue of each exporter is. If it stays above 50 %, its backend is too slow or down."
    query = Query(f"max by (collector, exporter) ({_FILL})", "{{collector}} {{exporter}}")
    return _panel("How full are the Collector's queues?", description, (query,), Unit.SHARE, _HALF, width=12)


def received() -> Panel:
    """Return what comes in, by Collector and receiver."""
    description = "Spans, metric points and log records that Collectors accept, by receiver."
    query = Query(_rate("receiver_accepted", "collector, receiver"), "{{collector}} {{receiver}}")
    return _panel("What comes in?", description, (query,), Unit.PER_SECOND, width=6)


def sent() -> Panel:
    """Return what backends accept, by exporter."""
    description = "Items that each backend accepts. If one exporter is at zero while others send, its backend is down."
    query = Query(_rate("exporter_sent", "exporter"), _BY_EXPORTER)
    return _panel("What goes out?", description, (query,), Unit.PER_SECOND, width=6)


def refused() -> Panel:
    """Return what Collectors refuse."""
    description = "Items that Collectors refuse because memory is short or a queue is full. Senders retry them."
    accepted = _rate("receiver_accepted", "collector")
    refusals = _or_zero(_rate("receiver_refused", "collector"), accepted)
    full = _or_zero(_rate("exporter_enqueue_failed", "collector"), accepted)
    queries = (
        Query(refusals, "{{collector}} refuses"),
        Query(full, "{{collector}} has a full queue"),
        Query(_rate("receiver_failed", "collector"), "{{collector}} fails"),
    )
    return _panel("What is refused?", description, queries, Unit.PER_SECOND, steps.NONE_WANTED)


def lost() -> Panel:
    """Return what Collectors lose."""
    description = "Items that are lost: a backend refused them for good, or retries took too long."
    failing = _or_zero(_rate("exporter_send_failed", "exporter"), _rate("exporter_sent", "exporter"))
    return _panel("What is lost?", description, (Query(failing, _BY_EXPORTER),), Unit.PER_SECOND, steps.NONE_WANTED)


def memory() -> Panel:
    """Return the memory of Collectors."""
    description = "Resident memory of each Collector. It refuses items above `OTELCOL_MEMORY_MIB` (400 by default)."
    query = Query("max by (collector) (otelcol_process_memory_rss)", "{{collector}}")
    return _panel("How much memory?", description, (query,), Unit.BYTES)


ROWS: Final = (Row("Collector", (queues(), received(), sent(), refused(), lost(), memory())),)
