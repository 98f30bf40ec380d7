"""Collects the metrics at a steady interval and exports them.

In: all metrics, collected on our thread. Out: requests; the counts are those of data points. State: the thread and
its progress, owned by one `MetricPipeline`.

Where all sums are cumulative, a failed export is not tried again: the next one includes it. Sums of the temporality
delta are tried until they are accepted, as are the last ones of the process.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from telemetry.otlp.outcome import Outcome
from telemetry.otlp.repair import repaired_metrics
from telemetry.pipeline.delivery import Delivery
from telemetry.pipeline.stats import Counts, SignalStats
from telemetry.pipeline.worker import start_worker, stop_worker
from telemetry.recording.guard import guard
from telemetry.recording.metrics.meter_provider import Collector

_PROVIDER_TIMEOUT = 5.0  # seconds, if a user shuts the provider down without a timeout
DELTA_INSTRUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "cumulative": (), "delta": ("Counter", "Histogram", "ObservableCounter"), "lowmemory": ("Counter", "Histogram"),
}  # fmt: skip
"""The instruments whose sums are those since the last export, by the preferred temporality."""


class MetricPipeline:
    """Exports all metrics, on a thread of its own.

    Arguments: `make_delivery` returns the delivery, which counts in the `Counts` that it gets; `interval` in seconds;
    `collector`.
    """

    def __init__(self, make_delivery: Callable[[Counts], Delivery], interval: float, collector: Collector) -> None:
        self._make_delivery = make_delivery
        self._interval = interval
        self._collector = collector
        self._delta = bool(collector.reader.delta)
        self._inherited: list[object] = []  # kept alive: destroying a parent's object would have effects on the parent
        self._begin(Counts())

    def _begin(self, counts: Counts) -> None:
        self._counts = counts
        self._delivery = self._make_delivery(counts)
        self._asked = 0  # collections that were asked for
        self._done = 0  # of these, how many are finished
        self._in_flight = 0  # data points
        self._lost_before = counts.lost()  # losses that an earlier flush has reported
        self._closed = False
        self._given_up = False
        self._changed = threading.Condition(self._counts.lock)  # the lock guards all of the above
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to collect."""
        with self._changed:
            if self._thread is None:
                self._thread = start_worker("metrics", self._run)

    def begin_flush(self) -> int:
        """Start to export everything, without waiting."""
        with self._changed:
            if self._given_up:
                return self._done
            self._asked += 1
            self._changed.notify_all()
            target = self._asked
        self._delivery.hurry()
        self.start()
        return target

    def finish_flush(self, target: int, deadline: float) -> bool:
        """Wait for what `begin_flush` began; return whether nothing was lost since the last flush."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._done >= target, max(0.0, deadline - time.monotonic()))
            return done and self._nothing_lost()

    def begin_close(self, deadline: float, *, patient: bool = True) -> None:
        """Collect for the last time, and export until `deadline`, without waiting for it."""
        with self._changed:
            self._closed = True
            self._delivery.finish_by(deadline, patient=patient)
            self.begin_flush()

    def finish_close(self, deadline: float) -> bool:
        """Wait for what `begin_close` began, and drop what is left; return whether nothing was lost."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._done >= self._asked, max(0.0, deadline - time.monotonic()))
            lost, self._in_flight = self._in_flight, 0
            self._counts.drop("deadline", lost)
            self._given_up = True
            nothing_lost = self._nothing_lost()
        self._delivery.close(lost=lost > 0)
        stop_worker(self._thread, deadline)
        return done and nothing_lost

    def stats(self) -> SignalStats:
        """Return the counts."""
        return self._counts.snapshot()

    def renew(self) -> None:
        """Start over in a forked child, without using what was inherited."""
        self._inherited.append(self._delivery)
        self._begin(Counts())

    def begin_again(self) -> None:
        """Collect again after a close; do nothing while it runs. Metrics and counts go on."""
        if self._closed:
            self._begin(self._counts)
            self.start()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Flush, for the meter provider."""
        return self.finish_flush(self.begin_flush(), time.monotonic() + timeout_millis / 1000)

    def shutdown(self, timeout_millis: float = _PROVIDER_TIMEOUT * 1000, **_: Any) -> None:
        """Close, for the meter provider."""
        deadline = time.monotonic() + timeout_millis / 1000
        self.begin_close(deadline)
        self.finish_close(deadline)

    def _nothing_lost(self) -> bool:
        before, self._lost_before = self._lost_before, self._counts.lost()
        return before == self._lost_before

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked > self._done, self._interval)
                asked, last = self._asked, self._closed
            with guard:  # a user's own callback may raise
                self._export(self._collector.collect())
            with self._changed:
                self._done = asked
                self._changed.notify_all()
            if last:
                return

    def _export(self, metrics_data: Any) -> None:
        if metrics_data is None:
            return
        metrics_data, unfit = repaired_metrics(metrics_data)
        points = _count_points(metrics_data)
        if not points + unfit:
            return
        with self._changed:
            if self._given_up:
                return
            self._counts.recorded += points + unfit
            self._counts.drop("export_failed", unfit)
            if not points:
                return
            self._in_flight = points
            retry = self._delta or self._closed
        outcome = Outcome(problem="they could not be encoded")
        with guard:
            request = self._delivery.kind.encode(metrics_data)
            outcome = self._delivery.deliver(request, retry=retry)
        rejected = min(self._delivery.rejected(outcome), points)
        with self._changed:
            if not self._in_flight:
                return  # `finish_close` has given up, and counted them
            self._in_flight = 0
            if outcome.response is not None:
                self._counts.export(points, rejected)
            else:
                self._counts.drop(self._delivery.reason(), points)


def _count_points(metrics_data: Any) -> int:
    return sum(
        len(metric.data.data_points)
        for resource in metrics_data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )
