"""Reads a Collector's own metrics (port 8888): its exporters, and whether they deliver.

If an exporter's queue is not empty, and it has delivered nothing since the marked telemetry was sent, its backend is
down. This also finds backends that cannot be queried.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from collector.doctor.finding import Cause, Finding, failed, ok, skipped
from collector.doctor.network.api import Api, TroubleError

NAME: Final = "otelcol"
_WAITING: Final = "otelcol_exporter_queue_size"
_DELIVERED: Final = re.compile(r"otelcol_exporter_sent_(spans|metric_points|log_records)(?:_total)?")
_KINDS: Final = {"spans": "traces", "metric_points": "metrics", "log_records": "logs"}
_Queue = tuple[str, str]
"""An exporter and a signal."""
_TAKEN: Final = re.compile(r"otelcol_receiver_accepted_(spans|metric_points|log_records)(_total)?")


@dataclass(frozen=True, slots=True)
class Page:
    """One reading: items `waiting` and `delivered` by exporter and signal, `taken` by all receivers."""

    waiting: Mapping[_Queue, float]
    delivered: Mapping[_Queue, float]
    taken: float

    @property
    def exporters(self) -> set[str]:
        """The names of the exporters, such as `otlp_grpc/jaeger`."""
        return {exporter for exporter, _ in (*self.waiting, *self.delivered)} - {"nop", "debug"}


@dataclass(frozen=True, slots=True)
class Collector:
    """A Collector.

    Arguments: `asked`, whether it was configured; `before`, its metrics before anything was sent, or the `trouble`.
    """

    name: str
    api: Api
    asked: bool
    before: Page | None
    trouble: Cause | None = None


def first_page(name: str, api: Api, *, asked: bool) -> Collector:
    """Read a Collector's metrics before anything is sent."""
    try:
        return Collector(name, api, asked, _look(api))
    except TroubleError as trouble:
        return Collector(name, api, asked, None, trouble.cause)


def examine(one: Collector) -> list[Finding]:
    """Wait until everything that was sent has left its queues, or until the deadline, and report what has not.

    A default address without a Collector, or whose Collector did not receive what was sent, is not reported.
    """
    if one.before is None:
        return [failed(one.name, one.trouble)] if one.asked and one.trouble else []
    try:
        while True:
            page = _look(one.api)
            stuck = [f"{name} ({what} waiting: {count:.0f})" for (name, what), count in _stuck(one.before, page)]
            if not stuck or not one.api.rest():
                break
    except TroubleError as trouble:
        return [failed(one.name, trouble.cause)]
    if page.taken <= one.before.taken:
        detail = f"the Collector of {one.api.place.address} received nothing of what was sent"
        return [skipped(one.name, Cause("elsewhere", detail))] if one.asked else []
    if stuck:
        hint = "start the backends of these exporters, or see the Collector's log for errors"
        return [failed(one.name, Cause("not_delivered", f"delivers nothing by {', '.join(stuck)}", hint))]
    return [ok(one.name, f"delivers by {', '.join(sorted(page.exporters)) or 'no exporter'}")]


def exporters(collectors: Iterable[Collector]) -> set[str]:
    """All exporters of these Collectors."""
    return {name for one in collectors if one.before is not None for name in one.before.exporters}


def _stuck(before: Page, now: Page) -> list[tuple[_Queue, float]]:
    return sorted(
        (queue, waiting)
        for queue, waiting in now.waiting.items()
        if waiting and now.delivered.get(queue, 0.0) <= before.delivered.get(queue, 0.0)
    )


def _look(api: Api) -> Page:
    try:
        text = api.read("/metrics").decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    except ValueError:
        samples = []
    if not any(sample.name.startswith("otelcol_") for sample in samples):
        detail = f"{api.place.address} does not have a Collector's own metrics"
        raise TroubleError(Cause("foreign", detail, f"correct {api.place.named}"))
    waiting: Counter[_Queue] = Counter()
    delivered: Counter[_Queue] = Counter()
    for sample in samples:
        exporter = sample.labels.get("exporter", "")
        if sample.name == _WAITING:
            waiting[exporter, sample.labels.get("data_type", "")] += int(sample.value)
        elif what := _DELIVERED.fullmatch(sample.name):
            delivered[exporter, _KINDS[what[1]]] += int(sample.value)
    taken = sum(sample.value for sample in samples if _TAKEN.fullmatch(sample.name))
    return Page(waiting, delivered, taken)
