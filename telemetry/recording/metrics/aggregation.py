"""Aggregates the values of one metric with one set of attributes until they are collected.

In: values, with the spans that they were measured in, on any thread. Out: an `Interval` for each reader that collects.
State: one `Aggregation` for each metric and set of attributes.

It counts as the SDK's instruments do (tests compare the two). Those find views, make a measurement, and copy and hash
its attributes for each value, which takes most of the time of a stage. Here that is done once, and a value is added to
what all readers share; only a collection distributes it among them.
"""

import math
import sys
import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from time import time_ns
from typing import Final

from opentelemetry.trace import Span as AnySpan
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording.traces.span import Span
from telemetry.recording.traces.tracer import UnsampledSpan

_INFINITE: Final = math.inf
Sample = tuple[float, int, int | None, int | None]
"""A possible exemplar: value, nanoseconds since 1970 (not by a test's clock, which counts reads), span id, trace id."""


class Interval:
    """The values of some time: how many are in each bucket, their sum, the least, the greatest, and their samples.

    `samples` holds the last one of each bucket.
    """

    __slots__ = ("counts", "greatest", "least", "samples", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total: float = 0
        self.least, self.greatest = math.inf, -math.inf
        self.samples: dict[int, Sample] = {}

    def add(self, other: "Interval") -> None:
        """Add the values of a later interval."""
        self.counts = list(map(sum, zip(self.counts, other.counts, strict=True)))
        self.total += other.total
        self.least = min(self.least, other.least)
        self.greatest = max(self.greatest, other.greatest)
        self.samples |= other.samples

    def copy(self, samples: dict[int, Sample]) -> "Interval":
        """Return a copy with other samples."""
        copied = Interval(0)
        copied.counts, copied.total, copied.samples = self.counts, self.total, samples
        copied.least, copied.greatest = self.least, self.greatest
        return copied


class Aggregation:
    """The values of one metric with one set of attributes. A counter is a histogram with a single bucket.

    Arguments: `exemplar_filter`, as the standard variable has it; `readers`, all that there are.
    Attributes: `attributes`; `bounds` of the buckets; `begun`, when, in nanoseconds since 1970.
    """

    __slots__ = (
        "_counts", "_filter", "_greatest", "_intervals", "_least", "_lock", "_lowest", "_readers", "_samples", "_sum",
        "_total", "_trace_based", "attributes", "begun", "bounds",
    )  # fmt: skip

    def __init__(
        self,
        metric: c.Metric,
        attributes: Mapping[str, AttributeValue],
        exemplar_filter: str,
        readers: Sequence[object],
        begun: int,
    ) -> None:
        self._readers = readers
        self.attributes = attributes
        self.bounds: Final = metric.buckets
        self.begun = begun
        takes_any = metric.signed or metric.instrument is c.Instrument.GAUGE
        self._lowest = -sys.float_info.max if takes_any else 0
        self._filter = exemplar_filter
        self._trace_based = exemplar_filter == "trace_based"
        self._intervals: dict[object, Interval] = {}  # by reader: the values since it has last collected
        self._total = Interval(len(self.bounds) + 1)  # all values that some reader has collected
        # Guards all around it. Re-entrant: a generator that the garbage collector ends may record in the middle.
        self._lock = threading.RLock()
        # The values that no reader has collected yet: an `Interval`, without the step to it.
        self._counts = [0] * (len(self.bounds) + 1)
        self._sum: float = 0
        self._least, self._greatest = math.inf, -math.inf
        self._samples: dict[int, Sample] = {}

    def record(self, value: float, span: AnySpan | None) -> None:
        """Add `value`, measured in `span` (None: in none), if the metric allows it."""
        # Long-winded, since it runs for every stage: it costs its caller half of what shorter code does.
        if type(value) is not float and type(value) is not int:
            value = float(value)
        if not self._lowest <= value < _INFINITE:
            return
        sample: Sample | None = None
        if type(span) is Span and self._trace_based:
            if span.flags & 1:
                sample = (value, time_ns(), span.span_id, span.trace_id)
        elif not self._trace_based or (span is not None and type(span) is not UnsampledSpan):
            sample = self._sample(value, span)
        bucket = bisect_left(self.bounds, value)
        with self._lock:
            self._counts[bucket] += 1
            self._sum += value
            if value < self._least:  # noqa: PLR1730  `min` costs as much as all the rest
                self._least = value
            if value > self._greatest:  # noqa: PLR1730  as above
                self._greatest = value
            if sample is not None:
                self._samples[bucket] = sample

    def _sample(self, value: float, span: AnySpan | None) -> Sample | None:
        if self._filter == "always_off":
            return None
        context = None if span is None else span.get_span_context()
        if self._trace_based and not (context and context.trace_flags & 1):
            return None
        if context is None or not context.is_valid:
            return value, time_ns(), None, None
        return value, time_ns(), context.span_id, context.trace_id

    def collect(self, reader: object) -> tuple[Interval, Interval]:
        """Return the values since the beginning, and those since `reader` has last collected."""
        with self._lock:
            self._divide()
            recent = self._intervals.pop(reader, None) or Interval(len(self._counts))
            return self._total.copy(dict(self._total.samples)), recent

    def divide(self) -> None:
        """Distribute what was recorded so far among the present readers, so that later ones do not get it."""
        with self._lock:
            self._divide()

    def forget(self, reader: object) -> None:
        """Drop what is kept for `reader`."""
        with self._lock:
            self._intervals.pop(reader, None)

    def _divide(self) -> None:
        new, interval = Interval(len(self._counts)), Interval(0)
        # Nothing below can start the garbage collector, so nothing is recorded in the middle of it.
        interval.counts = self._counts
        self._counts = new.counts
        interval.total = self._sum
        self._sum = 0
        interval.least = self._least
        self._least = new.least
        interval.greatest = self._greatest
        self._greatest = new.greatest
        interval.samples = self._samples
        self._samples = new.samples
        if any(interval.counts):
            self._total.add(interval)
            for reader in tuple(self._readers):
                self._intervals.setdefault(reader, Interval(len(self._counts))).add(interval)


class LastValue(Aggregation):
    """The values of a gauge, of which the last one counts: `value`."""

    __slots__ = ("value",)

    value: float

    def record(self, value: float, span: AnySpan | None) -> None:
        """Set the gauge to `value`, if that is a number."""
        if math.isfinite(value):
            self.value = value if type(value) is int else float(value)
            super().record(value, span)
